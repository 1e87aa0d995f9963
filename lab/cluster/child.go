package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"runtime"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/logfile"
)

// A child is a process that the supervisor keeps running.
type child struct {
	name  string
	path  string
	args  []string
	env   []string
	log   string        // file that standard output and standard error go to
	grace time.Duration // between SIGTERM and SIGKILL
}

const (
	// quickDeath: a child that lives shorter did not really start.
	quickDeath = 10 * time.Second
	// quickDeaths in a row end the lab: the cause will not go away by itself.
	quickDeaths = 3
	backoffMin  = 500 * time.Millisecond
	backoffMax  = 30 * time.Second
)

// keep runs the child and starts it again when it ends, with growing pauses, until ctx ends. It gives up on a child
// that keeps dying at once.
func (c child) keep(ctx context.Context, started func(Process), log *slog.Logger) error {
	pause, quick := backoffMin, 0
	for {
		from := time.Now()
		err := c.run(ctx, started)
		if ctx.Err() != nil {
			return nil //nolint:nilerr // it was told to end
		}
		if time.Since(from) < quickDeath {
			quick++
		} else {
			pause, quick = backoffMin, 0
		}
		if quick == quickDeaths {
			return fmt.Errorf("%s ended %d times at once: %w; its last words in %s:\n%s", c.name, quick, err, c.log, tail(c.log))
		}
		log.WarnContext(ctx, "child ended", "child", c.name, "reason", err, "again_in", pause)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(pause):
		}
		pause = min(2*pause, backoffMax)
	}
}

// run runs the child once. It always returns an error that says how it ended.
//
// Two things tie the child to the supervisor: the pipe on its standard input ends when the supervisor does, and on Linux
// the system kills it when the thread that started it ends; hence the locked thread.
func (c child) run(ctx context.Context, started func(Process)) error {
	runtime.LockOSThread() // never unlocked: the thread ends with the goroutine, after the child
	log, err := logfile.Open(c.log)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	defer func() { _ = log.Close() }()
	stdin, lifeline, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe for %s: %w", c.name, err)
	}
	defer func() { _ = lifeline.Close() }()

	cmd := exec.CommandContext(ctx, c.path, c.args...) //nolint:gosec // the lab's own programs
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = c.env, stdin, log, log
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = c.grace
	// A group of its own, so that Ctrl-C in a terminal reaches the supervisor alone.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	diesWithParent(cmd.SysProcAttr)
	err = cmd.Start()
	_ = stdin.Close()
	if err != nil {
		return fmt.Errorf("start %s: %w", c.name, err)
	}
	if p, err := identify(cmd.Process.Pid); err == nil {
		started(p)
	}
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	return errors.New(c.name + " ended by itself")
}

const tailBytes = 2000

// tail returns the last words of a log.
func tail(path string) string {
	f, err := os.Open(path) //nolint:gosec // the lab's own log
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }()
	if at, err := f.Stat(); err == nil && at.Size() > tailBytes {
		if _, err := f.Seek(-tailBytes, io.SeekEnd); err != nil {
			return ""
		}
	}
	words, err := io.ReadAll(io.LimitReader(f, tailBytes))
	if err != nil {
		return ""
	}
	return string(words)
}
