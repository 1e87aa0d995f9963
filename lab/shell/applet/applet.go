// Package applet holds the commands of the lab's shell: a closed list, each a function of this program.
//
// They behave as busybox's commands of the same names do, for the options that scripts in pods use. No command starts a
// program of the host; files and connections come from package confine only.
package applet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/furl-dev/furl/lab/shell/confine"
)

// Exit statuses that all shells agree on.
const (
	ok          = 0
	failure     = 1
	usage       = 2
	NotRunnable = 126 // it is there, but cannot be run
	NotFound    = 127 // there is no such command
	brokenPipe  = 141 // 128 + SIGPIPE
)

// Command is one command. It returns its exit status, and soon after ctx ends.
type Command func(ctx context.Context, c *Call) int

// Call is one run of a command.
type Call struct {
	Name    string   // what it was called as
	Args    []string // without the name
	Dir     string   // working directory, as confine.Files names it
	Getenv  func(name string) string
	Environ func() []string // exported variables, NAME=value
	Stdin   *os.File        // nil when closed
	Stdout  io.Writer
	Stderr  io.Writer

	// Run runs words as a command of the list in this call's surroundings; xargs, env, time and timeout need it.
	Run func(ctx context.Context, c Call, words []string) int

	host *Host
	out  *bufio.Writer // Stdout, flushed before each wait for input and at the end
}

// Host is what all commands of one program share. Make it with NewHost.
type Host struct {
	Files   *confine.Files
	Now     func() time.Time
	Started time.Time // when the pod's first program started, for uptime

	web       *http.Transport
	unchecked *http.Transport // trusts every certificate
	table     map[string]Command
}

// NewHost gives the closed list of commands over a confined file system.
func NewHost(files *confine.Files, now func() time.Time) *Host {
	return &Host{Files: files, Now: now, Started: now(), web: transport(), unchecked: unchecked(), table: list()}
}

// list is the closed list.
func list() map[string]Command {
	return map[string]Command{
		"[": test, "basename": baseName, "cat": cat, "clear": clearScreen, "cp": copyFiles, "cut": cut, "date": date,
		"dirname": dirName, "echo": echo, "env": env, "false": no, "grep": grep, "head": head, "hostname": hostname,
		"id": id, "ls": listing, "mkdir": makeFolder, "mv": move, "nc": netcat, "nslookup": nslookup, "pause": pause,
		"printenv": printenv, "printf": printf, "pwd": pwd, "rm": remove, "rmdir": removeFolder, "sed": sed, "seq": seq,
		"sleep": sleep, "sort": sortLines, "tail": tail, "tar": tape, "tee": tee, "test": test, "time": timed, "timeout": timeout,
		"touch": touch, "tr": translate, "true": yea, "uniq": uniq, "uptime": uptime, "usleep": usleep, "wc": wc,
		"wget": wget, "whoami": whoami, "xargs": xargs, "yes": yes,
	}
}

// Add puts a command of the shell itself on the list, such as sh or kill. Add all before the first Do.
func (h *Host) Add(name string, c Command) { h.table[name] = c }

// Names gives the closed list in order.
func (h *Host) Names() []string {
	names := make([]string, 0, len(h.table))
	for name := range h.table {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Find looks a command up: by its name, or by the path at which an image of busybox has it.
func (h *Host) Find(name string) (Command, bool) {
	for _, dir := range []string{"/bin/", "/sbin/", "/usr/bin/", "/usr/sbin/"} {
		if base, found := strings.CutPrefix(name, dir); found {
			name = base
			break
		}
	}
	c, found := h.table[name]
	return c, found
}

// Do runs a command to its end and gives its exit status.
func (h *Host) Do(ctx context.Context, run Command, c Call) int {
	c.host = h
	c.out = bufio.NewWriter(c.Stdout)
	settle := interruptible(ctx, c.Stdin)
	status := run(ctx, &c)
	settle()
	if err := c.out.Flush(); err != nil && ctx.Err() == nil {
		if errors.Is(err, syscall.EPIPE) {
			return brokenPipe
		}
		return c.fail("write error: %s", reason(err))
	}
	return status
}

// interruptible makes reads from a pipe or terminal end when ctx does. The function it gives waits for that to be over
// and makes the file readable again, since the shell shares it with the next command.
func interruptible(ctx context.Context, in *os.File) func() {
	if in == nil {
		return func() {}
	}
	ended := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(ended)
		_ = in.SetReadDeadline(time.Unix(1, 0)) // a regular file has no deadline, and needs none
	})
	return func() {
		if !stop() {
			<-ended
			_ = in.SetReadDeadline(time.Time{})
		}
	}
}

// fail prints one line in the command's name and gives the status of a failure.
func (c *Call) fail(format string, args ...any) int {
	_ = c.out.Flush() // what came before is seen before; a lost reader is told of at the end
	fmt.Fprintf(c.Stderr, "%s: %s\n", c.Name, fmt.Sprintf(format, args...))
	return failure
}

// sink is standard output for copies. It hides that the buffer can read for itself, since what is read from flushes it.
func (c *Call) sink() io.Writer { return struct{ io.Writer }{c.out} }

// print writes to standard output; Do reports what goes wrong.
func (c *Call) print(words ...string) {
	for _, word := range words {
		_, _ = c.out.WriteString(word)
	}
}

// line gives the next line without its end; more is false after the last.
type lines struct{ r *bufio.Reader }

func (l lines) next() (line string, more bool, err error) {
	text, err := l.r.ReadString('\n')
	if errors.Is(err, io.EOF) {
		return text, text != "", nil
	}
	return strings.TrimSuffix(text, "\n"), err == nil, err
}

// flushing shows what was written before it waits for more to read.
type flushing struct {
	r io.Reader
	w *bufio.Writer
}

func (f flushing) Read(p []byte) (int, error) {
	if err := f.w.Flush(); err != nil {
		return 0, err
	}
	return f.r.Read(p)
}

// open opens a file to read; "-" is standard input, which the command must not close.
func (c *Call) open(name string) (io.ReadCloser, error) {
	if name != "-" {
		file, err := c.host.Files.Open(c.Dir, name)
		if err != nil {
			return nil, err
		}
		return file, nil
	}
	if c.Stdin == nil {
		return io.NopCloser(strings.NewReader("")), nil
	}
	return io.NopCloser(flushing{c.Stdin, c.out}), nil
}

// each calls do for every named file, or for standard input when none is named. It goes on after a file that cannot be
// read, and gives the status of the whole.
func (c *Call) each(names []string, do func(name string, r *bufio.Reader) error) int {
	if len(names) == 0 {
		names = []string{"-"}
	}
	status := ok
	for _, name := range names {
		file, err := c.open(name)
		if err != nil {
			status = c.fail("can't open '%s': %s", name, reason(err))
			continue
		}
		err = do(name, bufio.NewReader(file))
		_ = file.Close() // nothing was written to it
		switch {
		case errors.Is(err, errEnough):
			return status
		case err != nil && !errors.Is(err, os.ErrDeadlineExceeded):
			status = c.fail("%s: %s", name, reason(err))
		}
	}
	return status
}

// errEnough ends a walk over files early, without fault.
var errEnough = errors.New("enough")

// eachLine calls do for every line of the files.
func (c *Call) eachLine(names []string, do func(line string) error) int {
	return c.each(names, func(_ string, r *bufio.Reader) error {
		for in := (lines{r}); ; {
			line, more, err := in.next()
			if err != nil {
				return err
			}
			if !more {
				return nil
			}
			if err := do(line); err != nil {
				return err
			}
		}
	})
}

// reason words an error as the C library does: only what happened, with a capital letter.
func reason(err error) string {
	if at, ok := errors.AsType[*fs.PathError](err); ok {
		err = at.Err
	}
	text := err.Error()
	if text == "path escapes from parent" { // a symbolic link out of the pod's folder
		text = syscall.EACCES.Error()
	}
	first, size := utf8.DecodeRuneInString(text)
	return string(unicode.ToUpper(first)) + text[size:]
}
