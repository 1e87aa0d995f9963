// Command furl-shell stands for the image busybox in the lab: the name it is called by, or its first argument, is the
// command that it runs. `furl-shell sh -c "…"` runs a script, and furl-shell alone an interactive shell.
//
// The pod's folder is FURL_POD_DIR, or else the working directory.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime/debug"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/shell"
)

// grace is how long a command may take to end after a signal, before the program ends around it.
const grace = 250 * time.Millisecond

func main() {
	debug.SetMaxStack(256 << 20) // a function that calls itself for ever ends with an error, not with the host's memory
	os.Exit(run(os.Args))
}

func run(args []string) int {
	cwd, err := os.Getwd()
	if err != nil {
		return fail(err)
	}
	folder, dir := place(os.Getenv("FURL_POD_DIR"), cwd)
	in, out, restore := streams()
	defer restore()
	s, err := shell.New(shell.Options{
		Folder: folder, Dir: dir, Now: time.Now, PID: os.Getpid(), Stdin: in, Stdout: out[0], Stderr: out[1],
		Env: slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "FURL_POD_DIR=") }),
	})
	if err != nil {
		return fail(err)
	}
	defer s.Close() //nolint:errcheck // the program ends
	return until(s, words(args))
}

func fail(err error) int {
	fmt.Fprintln(os.Stderr, "furl-shell:", err)
	return 1
}

// words gives the command: by the name that the program was called by, else by the arguments.
func words(args []string) []string {
	name := filepath.Base(args[0])
	if name == "furl-shell" || name == "busybox" {
		return args[1:]
	}
	return append([]string{strings.TrimPrefix(name, "-")}, args[1:]...) // "-sh" is a login shell
}

// place gives the pod's folder, and the working directory as seen from it.
func place(folder, cwd string) (root, dir string) {
	if folder == "" {
		return cwd, "/"
	}
	resolved := func(name string) string {
		if at, err := filepath.EvalSymlinks(name); err == nil {
			return at
		}
		return name
	}
	rel, err := filepath.Rel(resolved(folder), resolved(cwd))
	if err != nil || rel == ".." || strings.HasPrefix(rel, "../") {
		return folder, "/"
	}
	return folder, "/" + rel
}

// until runs the command and passes signals on to it. A command that does not end in time after it was told to does not
// hold the program up.
func until(s *shell.Shell, words []string) int {
	sent := make(chan os.Signal, 16)
	signal.Notify(sent, syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP, syscall.SIGQUIT, syscall.SIGUSR1, syscall.SIGUSR2)
	signal.Ignore(syscall.SIGTSTP, syscall.SIGTTIN, syscall.SIGTTOU) // there is no job control, and nobody to continue us
	ended := make(chan int, 1)
	go func() { ended <- s.Main(context.Background(), words) }()
	var late <-chan time.Time
	status := 0
	for {
		select {
		case status := <-ended:
			return status
		case <-late:
			return status
		case sig := <-sent:
			if number, fatal := s.Signal(sig); fatal && late == nil {
				status, late = number, time.After(grace)
			}
		}
	}
}

// streams makes standard input readable with a deadline where it is a pipe or a terminal, so that a signal can end a
// read. The three streams may be one terminal, whose mode they share: all are opened anew in the same mode.
func streams() (in *os.File, out [2]*os.File, restore func()) {
	at, err := os.Stdin.Stat()
	if err != nil {
		return nil, [2]*os.File{os.Stdout, os.Stderr}, func() {} // it is closed
	}
	if at.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) == 0 || syscall.SetNonblock(0, true) != nil {
		return os.Stdin, [2]*os.File{os.Stdout, os.Stderr}, func() {}
	}
	in = os.NewFile(0, "/dev/stdin")
	out = [2]*os.File{os.NewFile(1, "/dev/stdout"), os.NewFile(2, "/dev/stderr")}
	return in, out, func() { _ = syscall.SetNonblock(0, false) } // whoever gave us the terminal wants it as it was
}
