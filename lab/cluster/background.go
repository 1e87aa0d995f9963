package cluster

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// SuperviseRole is the hidden command that supervises a lab in the background, with its options as JSON.
const SuperviseRole = "supervise"

// TellFD is the descriptor of the pipe to the process that waits for the lab.
const TellFD = 3

// news is what a supervisor tells the one who waits. The last one is ready or bears an error.
type news struct {
	Step  string `json:"step,omitempty"`
	Ready bool   `json:"ready,omitempty"`
	Error string `json:"error,omitempty"`
	// Running says that the error is ErrRunning.
	Running bool `json:"running,omitempty"`
}

// SuperviseFor supervises a lab and tells tell how it goes until it is up.
func SuperviseFor(ctx context.Context, options string, tell io.WriteCloser) error {
	var o Options
	if err := json.Unmarshal([]byte(options), &o); err != nil {
		return fmt.Errorf("read the lab's options: %w", err)
	}
	say := func(n news) { _ = json.NewEncoder(tell).Encode(n) } // nobody may be listening any more
	err := Supervise(ctx, o,
		func(step string) { say(news{Step: step}) },
		func() {
			say(news{Ready: true})
			_ = tell.Close()
		})
	if err != nil {
		say(news{Error: err.Error(), Running: errors.Is(err, ErrRunning)})
	}
	return err
}

// Start brings a lab up in the background and returns when it is usable. It calls progress before each step. When ctx
// ends first, the lab is taken down again; one that was kept from before keeps its folder.
func Start(ctx context.Context, o Options, progress func(step string)) error {
	if err := o.Validate(); err != nil {
		return err
	}
	files := layout{o.Dir}
	kept := files.isLab()
	if err := files.create(); err != nil {
		return err
	}
	err := startSupervisor(ctx, o, progress)
	if err != nil && ctx.Err() != nil && !kept {
		return errors.Join(err, Down(context.WithoutCancel(ctx), o.Dir))
	}
	return err
}

// startSupervisor starts the process that outlives this one, and follows it until the lab is up.
func startSupervisor(ctx context.Context, o Options, progress func(step string)) error {
	files := layout{o.Dir}
	options, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("encode the lab's options: %w", err)
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	out, err := os.OpenFile(files.log("supervisor"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the supervisor's log: %w", err)
	}
	defer func() { _ = out.Close() }()
	read, write, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("make a pipe to the supervisor: %w", err)
	}
	defer func() { _ = read.Close() }()

	// It outlives this process on purpose, hence no context.
	cmd := exec.Command(self, SuperviseRole, string(options)) //nolint:gosec,noctx // this very program, which is to stay
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Dir(o.Dir), out, out
	cmd.ExtraFiles = []*os.File{write} // becomes TellFD
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	err = cmd.Start()
	_ = write.Close()
	if err != nil {
		return fmt.Errorf("start the supervisor: %w", err)
	}
	return await(ctx, cmd, read, progress)
}

// cancelGrace is how long a half-started lab may take to stop.
const cancelGrace = 30 * time.Second

// await follows the supervisor until the lab is up.
func await(ctx context.Context, cmd *exec.Cmd, from io.Reader, progress func(string)) error {
	done := make(chan error, 1)
	go func() { done <- follow(from, progress) }()
	select {
	case err := <-done:
		if err == nil {
			return cmd.Process.Release()
		}
		_ = cmd.Wait() // it tells an error last
		return err
	case <-ctx.Done():
		_ = cmd.Process.Signal(syscall.SIGTERM)
		kill := time.AfterFunc(cancelGrace, func() { _ = cmd.Process.Kill() })
		defer kill.Stop()
		_ = cmd.Wait()
		if err := <-done; err != nil && !errors.Is(context.Cause(ctx), context.Canceled) {
			return errors.Join(context.Cause(ctx), err)
		}
		return context.Cause(ctx)
	}
}

func follow(from io.Reader, progress func(string)) error {
	for decoder := json.NewDecoder(from); ; {
		var n news
		if err := decoder.Decode(&n); err != nil {
			return errors.New("the supervisor ended before the lab was up; see its log with: furl lab status")
		}
		switch {
		case n.Ready:
			return nil
		case n.Running:
			return ErrRunning
		case n.Error != "":
			return errors.New(n.Error)
		}
		progress(n.Step)
	}
}
