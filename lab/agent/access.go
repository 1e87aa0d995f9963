package agent

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/furl-dev/furl/lab/agent/kubelet"
	"github.com/furl-dev/furl/lab/agent/logs"
	"github.com/furl-dev/furl/lab/agent/process"
	corev1 "k8s.io/api/core/v1"
	utilexec "k8s.io/utils/exec"
)

const dialTimeout = 5 * time.Second

// Logs implements [kubelet.Pods].
func (a *agent) Logs(ctx context.Context, of kubelet.Container, want *corev1.PodLogOptions, out io.Writer) error {
	w, err := a.find(of.Namespace, of.Pod)
	if err != nil {
		return &kubelet.StatusError{Status: http.StatusNotFound, Text: err.Error()}
	}
	log, err := w.logOf(of.Container, want.Previous)
	if err != nil {
		return err
	}
	options := logs.Wanted{Follow: want.Follow, Timestamps: want.Timestamps, Tail: want.TailLines, LimitBytes: want.LimitBytes}
	switch {
	case want.SinceTime != nil:
		options.Since = want.SinceTime.Time
	case want.SinceSeconds != nil:
		options.Since = time.Now().Add(-time.Duration(*want.SinceSeconds) * time.Second)
	}
	if want.Stream != nil {
		switch *want.Stream {
		case corev1.LogStreamStdout:
			options.Stream = "stdout"
		case corev1.LogStreamStderr:
			options.Stream = "stderr"
		}
	}
	return log.Read(ctx, options, out)
}

// logOf answers in the kubelet's words when there is no log.
func (w *worker) logOf(name string, previous bool) (*logs.Log, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.container(name)
	switch {
	case c == nil:
		return nil, problem("container %q in pod %q is not available", name, w.name)
	case previous && c.previous == nil:
		return nil, problem("previous terminated container %q in pod %q not found", name, w.name)
	case previous:
		return c.previous, nil
	case c.log == nil && c.Status.State.Waiting != nil && c.Status.State.Waiting.Reason == reasonPull,
		c.log == nil && c.Status.State.Waiting != nil && c.Status.State.Waiting.Reason == reasonPaused:
		return nil, problem("container %q in pod %q is waiting to start: trying and failing to pull image", name, w.name)
	case c.log == nil && c.Status.State.Waiting != nil:
		return nil, problem("container %q in pod %q is waiting to start: %s", name, w.name, c.Status.State.Waiting.Reason)
	case c.log == nil:
		return nil, problem("container %q in pod %q is terminated, and its log went with the node's restart", name, w.name)
	}
	return c.log, nil
}

func problem(format string, args ...any) error {
	return &kubelet.StatusError{Status: http.StatusBadRequest, Text: fmt.Sprintf(format, args...)}
}

// runOf is the present run of a container.
func (a *agent) runOf(of kubelet.Container) (*worker, *run, error) {
	w, err := a.find(of.Namespace, of.Pod)
	if err != nil {
		return nil, nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	c := w.container(of.Container)
	if c == nil || c.current == nil {
		return nil, nil, fmt.Errorf("container %s of pod %s/%s is not running", of.Container, of.Namespace, of.Pod)
	}
	return w, c.current, nil
}

// Exec implements [kubelet.Pods].
func (a *agent) Exec(ctx context.Context, of kubelet.Container, command []string, s kubelet.Streams) error {
	w, r, err := a.runOf(of)
	if err != nil {
		return err
	}
	path, argv, err := w.outside(r, command)
	if err != nil {
		return err
	}
	spec := process.Spec{Path: path, Argv: argv, Stdin: s.In != nil, TTY: s.TTY, Stdout: nilable(s.Out), Stderr: nilable(s.Err)}
	if s.TTY {
		spec.Env = append(pairs(r.env), "TERM=xterm")
	}
	session, err := r.start(spec)
	if err != nil {
		return err
	}
	defer r.end(session)
	converse(session, s)
	select {
	case <-session.Done():
	case <-ctx.Done():
		session.Kill()
		<-session.Done()
		return ctx.Err()
	}
	if code := session.Exit().Code; code != 0 {
		return utilexec.CodeExitError{Err: exitError{code}, Code: int(code)}
	}
	return nil
}

// nilable keeps a nil stream a nil writer.
func nilable(w io.WriteCloser) io.Writer {
	if w == nil {
		return nil
	}
	return w
}

// converse carries input and the terminal's size to a session. Both goroutines end with the caller's connection.
func converse(session *process.Session, s kubelet.Streams) {
	if s.In != nil {
		go func() {
			_, _ = io.Copy(struct{ io.Writer }{session}, s.In)
			session.CloseStdin()
		}()
	}
	if s.Resize != nil {
		go func() {
			for size := range s.Resize {
				session.Resize(size.Width, size.Height)
			}
		}()
	}
}

// Attach implements [kubelet.Pods].
func (a *agent) Attach(ctx context.Context, of kubelet.Container, s kubelet.Streams) error {
	_, r, err := a.runOf(of)
	if err != nil {
		return err
	}
	l := r.audience.join()
	defer r.audience.leave(l)
	in := s
	if !r.spec.Stdin {
		in.In = nil
	}
	if s.In != nil && r.spec.Stdin && !r.spec.StdinOnce {
		in.In = nil // a later attach may go on where this one ends, so its end is not the container's
		go func() { _, _ = io.Copy(struct{ io.Writer }{r.session}, s.In) }()
	}
	converse(r.session, in)
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case piece, more := <-l.chunks:
			if !more {
				return nil
			}
			to := s.Out
			if piece.stream == "stderr" && s.Err != nil {
				to = s.Err
			}
			if to == nil {
				continue
			}
			if _, err := to.Write(piece.bytes); err != nil {
				return fmt.Errorf("sending the output of container %s: %w", of.Container, err)
			}
		}
	}
}

// Forward implements [kubelet.Pods].
func (a *agent) Forward(ctx context.Context, of kubelet.Container, port int32, conn io.ReadWriteCloser) error {
	w, err := a.find(of.Namespace, of.Pod)
	if err != nil {
		return err
	}
	at := w.socket(port)
	if address, err := netip.ParseAddrPort(at); err != nil || !address.Addr().IsLoopback() {
		return fmt.Errorf("forwarding to port %d of pod %s: %s is no loopback address", port, w.full(), at)
	}
	to, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "tcp", at)
	if err != nil {
		return fmt.Errorf("forwarding to port %d of pod %s: %w", port, w.full(), err)
	}
	defer func() { _ = to.Close() }()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		_, _ = io.Copy(to, conn)
		if half, ok := to.(*net.TCPConn); ok {
			_ = half.CloseWrite() // the caller may still want the answer
		}
	}()
	_, err = io.Copy(conn, to)
	_ = conn.Close()
	<-sent
	if err != nil && !errors.Is(err, net.ErrClosed) {
		return fmt.Errorf("forwarding from port %d of pod %s: %w", port, w.full(), err)
	}
	return nil
}
