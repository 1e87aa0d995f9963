package bench

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

const (
	standbyName = "second" // its identity in the lease
	// standbyAddress is where it says that it listens. It is nobody's: endpoints may not be on loopback.
	standbyAddress = "192.0.2.1"
)

// Standby is a second replica of the operator, with the rights of the first. One of the two leads, the other measures all
// that the leader does and decides nothing.
type Standby struct {
	process
	cmd   *exec.Cmd
	ended chan struct{}
}

// Standby starts one that has the given flags beside those that it needs to run in this lab.
func (b *Bench) Standby(ctx context.Context, args ...string) (*Standby, error) {
	var free [2]string
	for i := range free {
		var err error
		if free[i], err = freeAddress(ctx); err != nil {
			return nil, err
		}
	}
	_, port, err := net.SplitHostPort(free[0])
	if err != nil {
		return nil, fmt.Errorf("find a free port for the second replica: %w", err)
	}
	of := func(name string) string { return filepath.Join(b.Dir, "operator", name) }
	cmd := exec.CommandContext(ctx, b.Program, append([]string{ //nolint:gosec // our own program
		"operator", "--kubeconfig=" + of("kubeconfig"), "--namespace=furl-system",
		"--bind-address=127.0.0.1", "--secure-port=" + port, "--metrics-bind-address=" + free[1], "--webhook-bind-address=",
		// The lab's own: with one that it made, the API server would no longer trust the first replica.
		"--tls-cert-file=" + of("tls.crt"), "--tls-private-key-file=" + of("tls.key"),
		"--kubelet-certificate-authority=" + filepath.Join(b.Dir, "keys", "ca.crt"), "--hpa-controller=on",
	}, args...)...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 10 * time.Second
	cmd.Env = append(os.Environ(), "POD_NAME="+standbyName, "POD_IP="+standbyAddress)
	cmd.Stdout, cmd.Stderr = io.Discard, io.Discard
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the second replica: %w", err)
	}
	s := &Standby{process: process(cmd.Process.Pid), cmd: cmd, ended: make(chan struct{})}
	go func() {
		defer close(s.ended)
		_ = cmd.Wait() // it is ended by hand
	}()
	return s, nil
}

// Close ends it.
func (s *Standby) Close() {
	_ = s.cmd.Process.Signal(syscall.SIGTERM) // may have ended already
	<-s.ended
}

// freeAddress is a loopback address that nobody listens on.
func freeAddress(ctx context.Context) (string, error) {
	var c net.ListenConfig
	l, err := c.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find a free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}
