package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"
)

// Process names one process beyond the reuse of its number.
type Process struct {
	PID   int    `json:"pid"`
	Start string `json:"start"` // when it started, as the system counts; compared, never read
}

// identify returns the process that has the number now.
func identify(pid int) (Process, error) {
	start, err := startOf(pid)
	if err != nil {
		return Process{}, fmt.Errorf("look at process %d: %w", pid, err)
	}
	return Process{PID: pid, Start: start}, nil
}

// Alive says whether this very process still runs.
func (p Process) Alive() bool {
	if p.PID <= 1 || p.Start == "" {
		return false
	}
	start, err := startOf(p.PID)
	return err == nil && start == p.Start
}

func (p Process) signal(s syscall.Signal) error {
	if !p.Alive() {
		return os.ErrProcessDone
	}
	if err := syscall.Kill(p.PID, s); err != nil {
		return fmt.Errorf("send %v to process %d: %w", s, p.PID, err)
	}
	return nil
}

const processPoll = 20 * time.Millisecond

// gone waits until the process has ended and says whether it did before ctx.
func (p Process) gone(ctx context.Context) bool {
	tick := time.NewTicker(processPoll)
	defer tick.Stop()
	for p.Alive() {
		select {
		case <-ctx.Done():
			return !p.Alive()
		case <-tick.C:
		}
	}
	return true
}

// end asks the process to end, waits for grace, and then makes it. Ending what has ended is no error.
func (p Process) end(ctx context.Context, grace time.Duration) error {
	if err := p.signal(syscall.SIGTERM); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			return nil
		}
		return err
	}
	patient, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	if p.gone(patient) {
		return nil
	}
	return p.kill(ctx)
}

// killWait is how long the system may take to take a killed process away.
const killWait = 10 * time.Second

func (p Process) kill(ctx context.Context) error {
	if err := p.signal(syscall.SIGKILL); err != nil {
		if errors.Is(err, os.ErrProcessDone) {
			return nil
		}
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, killWait)
	defer cancel()
	if !p.gone(ctx) {
		return fmt.Errorf("process %d did not go away within %v of SIGKILL", p.PID, killWait)
	}
	return nil
}
