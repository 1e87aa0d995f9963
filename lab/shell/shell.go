// Package shell is what busybox is in the lab: an interpreter with a closed list of commands that cannot leave its pod.
//
// A script runs inside this program. No program of the host is ever started, files are those of one folder, and the
// network is the loopback network, where the lab's forward proxy answers the names of Services. See package confine for
// the walls and package applet for the commands.
package shell

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/shell/applet"
	"github.com/furl-dev/furl/lab/shell/confine"
	"golang.org/x/sys/unix"
)

// Options of a shell.
type Options struct {
	Folder string   // the pod's folder on the host, shown as "/"
	Dir    string   // working directory below it, "/" when empty
	Env    []string // NAME=value
	Stdin  *os.File // nil is an empty input
	Stdout io.Writer
	Stderr io.Writer
	Now    func() time.Time
	PID    int // number of the first process, as $$ shows it
}

// Shell is one program: a script or a single command, and all that it starts. Close it after use.
type Shell struct {
	o     Options
	files *confine.Files
	host  *applet.Host
	table *table
	gate  sync.Mutex // held by who writes into a command substitution, since background processes may write at once

	mu       sync.Mutex // guards what follows
	sessions []*session // scripts that run now, the outermost first
	single   *process   // the command that runs without a script
}

// New confines a shell to a folder.
func New(o Options) (*Shell, error) {
	files, err := confine.OpenFiles(o.Folder)
	if err != nil {
		return nil, err
	}
	o.Dir = confine.Abs("/", o.Dir)
	o.Env = environment(o)
	s := &Shell{o: o, files: files, host: applet.NewHost(files, o.Now), table: newTable(o.PID)}
	for name, command := range map[string]applet.Command{
		"sh": s.sh, "ash": s.sh, "busybox": s.busybox, "kill": s.kill, "ps": s.ps, "which": s.which,
	} {
		s.host.Add(name, command)
	}
	return s, nil
}

// Close lets go of the folder. Call it after Main has returned.
func (s *Shell) Close() error { return s.files.Close() }

// Commands gives the closed list of commands in order.
func (s *Shell) Commands() []string { return s.host.Names() }

// environment fills in what every container has, and shows paths of the folder as the pod sees them.
func environment(o Options) []string {
	folder := filepath.Clean(o.Folder)
	env := make([]string, 0, len(o.Env)+2)
	for _, e := range o.Env {
		name, value, _ := strings.Cut(e, "=")
		switch name {
		case "HOME", "TMPDIR":
			if rel, found := strings.CutPrefix(value, folder); found && (rel == "" || rel[0] == '/') {
				e = name + "=" + path.Clean("/"+rel)
			}
		case "PWD", "OLDPWD", "":
			continue
		}
		env = append(env, e)
	}
	for _, e := range []string{"HOME=/", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"} {
		name, _, _ := strings.Cut(e, "=")
		if !slices.ContainsFunc(env, func(have string) bool { return strings.HasPrefix(have, name+"=") }) {
			env = append(env, e)
		}
	}
	return env
}

// Main runs a command by its words, such as {"sh", "-c", "echo hi"} or {"wget", "-q", "-O-", "http://php-apache"}, and
// gives its exit status: 127 for a command that is not on the list, and 128 more than the number of a signal that ended it.
func (s *Shell) Main(ctx context.Context, words []string) int {
	if len(words) == 0 {
		words = []string{"sh"}
	}
	p := s.table.start(ctx, 0, strings.Join(words, " "), s.o.Now())
	s.mu.Lock()
	s.single = p
	s.mu.Unlock()
	status := s.runWords(inProcess(p.life(), p), applet.Call{ //nolint:contextcheck // it lives within ctx
		Dir: s.o.Dir, Stdin: s.o.Stdin, Stdout: s.o.Stdout, Stderr: s.o.Stderr,
		Environ: func() []string { return slices.Clone(s.o.Env) }, Getenv: lookup(s.o.Env),
	}, words)
	if status != 0 {
		status = p.statusOr(status)
	}
	return status
}

func lookup(env []string) func(string) string {
	return func(name string) string {
		for _, e := range slices.Backward(env) {
			if value, found := strings.CutPrefix(e, name+"="); found {
				return value
			}
		}
		return ""
	}
}

type processKey struct{}

// inProcess says in whose name a command runs.
func inProcess(ctx context.Context, p *process) context.Context {
	return context.WithValue(ctx, processKey{}, p)
}

func processOf(ctx context.Context) *process {
	p, _ := ctx.Value(processKey{}).(*process)
	return p
}

// runWords runs words as a command of the list, or as a script in the pod's folder.
func (s *Shell) runWords(ctx context.Context, c applet.Call, words []string) int {
	c.Name, c.Args, c.Run = path.Base(words[0]), words[1:], s.runWords
	run, found := s.host.Find(words[0])
	if !found && strings.Contains(words[0], "/") {
		if status := s.executable(c, words[0]); status != 0 {
			return status
		}
		c.Name, c.Args, run, found = "sh", words, s.sh, true
	}
	if !found {
		fmt.Fprintf(c.Stderr, "sh: %s: not found\n", words[0])
		return applet.NotFound
	}
	return s.host.Do(ctx, run, c)
}

// executable says whether a file is a script that may be run: 0, or the status of why not.
func (s *Shell) executable(c applet.Call, name string) int {
	at, err := s.files.Stat(c.Dir, name)
	switch {
	case err != nil:
		fmt.Fprintf(c.Stderr, "sh: %s: not found\n", name)
		return applet.NotFound
	case at.IsDir() || !confine.Allowed(at, 1):
		fmt.Fprintf(c.Stderr, "sh: %s: Permission denied\n", name)
		return applet.NotRunnable
	}
	file, err := s.files.Open(c.Dir, name)
	if err != nil {
		fmt.Fprintf(c.Stderr, "sh: %s: %v\n", name, err)
		return applet.NotRunnable
	}
	defer file.Close() //nolint:errcheck // it was only read
	start := make([]byte, 256)
	n, err := io.ReadFull(file, start)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
		fmt.Fprintf(c.Stderr, "sh: %s: %v\n", name, err)
		return applet.NotRunnable
	}
	line, _, _ := strings.Cut(string(start[:n]), "\n")
	interpreter, shebang := strings.CutPrefix(line, "#!")
	if strings.ContainsRune(line, 0) || shebang && !isShell(interpreter) {
		fmt.Fprintf(c.Stderr, "sh: %s: no script for sh; the lab's shell starts no program\n", name)
		return applet.NotRunnable
	}
	return 0
}

// isShell looks at what stands after #!.
func isShell(interpreter string) bool {
	words := strings.Fields(interpreter)
	if len(words) > 1 && path.Base(words[0]) == "env" {
		words = words[1:]
	}
	return len(words) > 0 && slices.Contains([]string{"sh", "ash", "bash", "dash"}, path.Base(words[0]))
}

// Signal gives the program a signal that the host sent to it. INT goes to every script that runs in the foreground, as
// a terminal sends it, up to an interactive one; any other goes to the first process, as the kubelet sends it.
// Fatal says that the program shall end, with the given status.
func (s *Shell) Signal(sig os.Signal) (status int, fatal bool) {
	number, known := sig.(syscall.Signal)
	if !known {
		return 0, false
	}
	name, known := signalName(unix.SignalName(number))
	if !known {
		return 0, false
	}
	s.mu.Lock()
	sessions, single := slices.Clone(s.sessions), s.single
	s.mu.Unlock()
	first := single
	if len(sessions) > 0 {
		first = sessions[0].self
	}
	switch {
	case first == nil:
		return 0, false
	case name != "INT" || len(sessions) == 0:
		first.deliver(name)
	default:
		for _, at := range slices.Backward(sessions) {
			if at.interactive {
				at.interrupt()
				return 0, false
			}
			at.self.deliver(name)
		}
	}
	return first.statusOr(0), first.killed()
}

func (s *Shell) push(at *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = append(s.sessions, at)
}

func (s *Shell) pop(at *session) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sessions = slices.DeleteFunc(s.sessions, func(have *session) bool { return have == at })
}
