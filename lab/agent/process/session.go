package process

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
)

const (
	drainTimeout = 2 * time.Second      // what a pipe's last bytes may take once every writer is dead
	killPause    = 5 * time.Millisecond // between two looks at a session that is being killed
	killRounds   = 2000                 // 10 s: only a process stuck in the kernel outlives that
)

// Spec says what a session runs.
type Spec struct {
	Path           string   // the program's file
	Argv           []string // its arguments, the name it is called by first
	Env            []string // the whole environment
	Dir            string   // working directory
	Stdin          bool     // keep standard input open for [Session.Write]; else it is empty
	TTY            bool     // give it a terminal; everything is then written to Stdout
	Stdout, Stderr io.Writer
	Prepare        func(id int) error // called as soon as the process exists; an error kills it
}

// Exit tells how the first process of a session ended.
type Exit struct {
	Code   int32 // 128 + signal when a signal ended it, as shells and container runtimes count
	Signal int32 // 0: it exited by itself
	At     time.Time
}

// Session is a running program with all its descendants that stayed in its session.
type Session struct {
	ID      int // process id of the first process, and the kernel's id of the session
	Started time.Time

	host  *Host
	cmd   *exec.Cmd
	stdin io.WriteCloser
	term  *os.File
	pumps sync.WaitGroup
	done  chan struct{}
	exit  Exit

	mu      sync.Mutex // guards charged
	charged time.Duration
}

// Start runs spec in a session of its own.
func (h *Host) Start(spec Spec) (*Session, error) {
	s := &Session{host: h, done: make(chan struct{})}
	s.cmd = &exec.Cmd{Path: spec.Path, Args: spec.Argv, Env: spec.Env, Dir: spec.Dir, SysProcAttr: attributes(spec.TTY)}
	ours, theirs, err := s.wire(spec)
	if err != nil {
		return nil, err
	}
	err = h.launch(s.cmd)
	closeAll(theirs)
	if err != nil {
		closeAll(ours)
		return nil, fmt.Errorf("starting %s: %w", spec.Path, err)
	}
	s.ID, s.Started = s.cmd.Process.Pid, time.Now()
	s.pump(spec, ours)
	err = h.add(s)
	if err == nil && spec.Prepare != nil {
		err = spec.Prepare(s.ID)
	}
	go s.wait(ours)
	if err != nil {
		s.Kill()
		<-s.done
		return nil, fmt.Errorf("preparing %s: %w", spec.Path, err)
	}
	return s, nil
}

// launch starts cmd on the spawner's thread.
func (h *Host) launch(cmd *exec.Cmd) error {
	result := make(chan error, 1)
	select {
	case h.spawn <- func() { result <- cmd.Start() }:
		return <-result
	case <-h.stop:
		return errors.New("the host of processes is closed")
	}
}

// wire connects the standard streams; it returns the ends to read from and those the child inherits.
func (s *Session) wire(spec Spec) (ours, theirs []*os.File, err error) {
	if spec.TTY {
		master, tty, err := pty.Open()
		if err != nil {
			return nil, nil, fmt.Errorf("opening a terminal: %w", err)
		}
		s.cmd.Stdin, s.cmd.Stdout, s.cmd.Stderr = tty, tty, tty
		s.term = master
		if spec.Stdin {
			s.stdin = terminalInput{master}
		}
		return []*os.File{master}, []*os.File{tty}, nil
	}
	if spec.Stdin {
		r, w, err := os.Pipe()
		if err != nil {
			return nil, nil, fmt.Errorf("opening standard input: %w", err)
		}
		s.cmd.Stdin, s.stdin = r, w
		theirs = append(theirs, r)
	}
	for _, to := range []*io.Writer{&s.cmd.Stdout, &s.cmd.Stderr} {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(append(ours, theirs...))
			return nil, nil, fmt.Errorf("opening an output: %w", err)
		}
		*to = w
		ours, theirs = append(ours, r), append(theirs, w)
	}
	return ours, theirs, nil
}

// pump copies each output to its writer until every process that could write is gone.
func (s *Session) pump(spec Spec, ours []*os.File) {
	to := []io.Writer{spec.Stdout, spec.Stderr}
	for i, from := range ours {
		w := to[i]
		if w == nil {
			w = io.Discard
		}
		s.pumps.Go(func() {
			_, _ = io.Copy(struct{ io.Writer }{w}, from) // ends with EOF, or EIO from a terminal
		})
	}
}

// wait ends the session with its first process, as the end of process 1 ends a container.
func (s *Session) wait(ours []*os.File) {
	state, err := s.cmd.Process.Wait()
	s.exit = exitOf(state, err)
	if state != nil {
		s.charge(state.UserTime() + state.SystemTime())
	}
	s.killRest()
	if s.stdin != nil {
		_ = s.stdin.Close()
	}
	drained := make(chan struct{})
	go func() { s.pumps.Wait(); close(drained) }()
	select {
	case <-drained:
	case <-time.After(drainTimeout): // somebody outside the session holds the pipe
	}
	closeAll(ours)
	<-drained
	s.host.remove(s)
	close(s.done)
}

func exitOf(state *os.ProcessState, err error) Exit {
	e := Exit{At: time.Now()}
	if err != nil || state == nil {
		e.Code = 255
		return e
	}
	status, ok := state.Sys().(syscall.WaitStatus)
	if ok && status.Signaled() {
		e.Signal = int32(status.Signal()) //nolint:gosec // there are 64 signals
		e.Code = 128 + e.Signal
		return e
	}
	e.Code = int32(state.ExitCode()) //nolint:gosec // an exit code has 8 bits
	return e
}

// killRest kills every process of the session until none is left, dead ones that are ours to collect included.
func (s *Session) killRest() {
	for range killRounds {
		left := false
		for _, p := range s.host.Scan(0)[s.ID] {
			if p.State != 'Z' {
				_ = syscall.Kill(p.ID, syscall.SIGKILL)
			}
			left = left || p.State != 'Z' || p.Parent == os.Getpid()
		}
		if !left {
			return
		}
		time.Sleep(killPause)
	}
	s.host.log.Warn("session_outlived_kill", "session", s.ID)
}

// Done is closed when every process of the session is gone and all its output was delivered.
func (s *Session) Done() <-chan struct{} { return s.done }

// Exit tells how the session ended. Call it after Done.
func (s *Session) Exit() Exit { return s.exit }

// Signal sends sig to the first process, as a container runtime does to process 1.
func (s *Session) Signal(sig syscall.Signal) error {
	err := s.cmd.Process.Signal(sig)
	if errors.Is(err, os.ErrProcessDone) {
		return nil
	}
	return err
}

// Kill ends the session at once. Done follows.
func (s *Session) Kill() { _ = s.Signal(syscall.SIGKILL) }

// Write passes p to standard input.
func (s *Session) Write(p []byte) (int, error) {
	if s.stdin == nil {
		return 0, errors.New("the program was started without standard input: set stdin in the container's spec")
	}
	return s.stdin.Write(p)
}

// CloseStdin tells the program that no more input comes.
func (s *Session) CloseStdin() {
	if s.stdin != nil {
		_ = s.stdin.Close()
	}
}

// Resize sets the terminal's size in characters. It does nothing without a terminal, or after its end.
func (s *Session) Resize(columns, rows uint16) {
	if s.term == nil {
		return
	}
	conn, err := s.term.SyscallConn() // holds the file while it is used: the session may end meanwhile
	if err != nil {
		return
	}
	_ = conn.Control(func(fd uintptr) {
		_ = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &unix.Winsize{Col: columns, Row: rows})
	})
}

// CPU is the time the session's processes have used, those that have ended included, given a fresh table.
func (s *Session) CPU(t Table) time.Duration {
	s.mu.Lock()
	sum := s.charged
	s.mu.Unlock()
	for _, p := range t[s.ID] {
		sum += p.CPU
	}
	return sum
}

func (s *Session) charge(d time.Duration) {
	s.mu.Lock()
	s.charged += d
	s.mu.Unlock()
}

// terminalInput ends input as a person does, by Ctrl-D; closing the terminal would end its output too.
type terminalInput struct{ *os.File }

func (t terminalInput) Close() error {
	_, err := t.Write([]byte{4})
	return err
}

func closeAll(files []*os.File) {
	for _, f := range files {
		_ = f.Close()
	}
}
