package agent

import (
	"context"
	"errors"
	"fmt"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/agent/lifecycle"
	"github.com/furl-dev/furl/lab/agent/process"
	corev1 "k8s.io/api/core/v1"
)

const (
	leastGrace  = 2 * time.Second // what a sidecar still gets when the pod's grace is used up: the kubelet's minimum
	hookTimeout = time.Minute     // for a preStop or postStart request over HTTP
)

// ending tells why and how a container is stopped.
type ending struct {
	message string
	grace   time.Duration
	rudely  bool // without the preStop hook: the whole node ends
}

// endingReason is how a container of an ending pod is stopped. It needs mu.
func (w *worker) endingReason(c *container) ending {
	e := ending{message: "Stopping container " + c.name, grace: grace(w.pod)}
	if w.shutdown {
		return ending{message: e.message, grace: min(e.grace, shutdownGrace), rudely: true}
	}
	now := time.Now()
	if w.endBy.IsZero() {
		w.endBy = now.Add(e.grace)
	}
	if e.grace > 0 {
		e.grace = max(time.Until(w.endBy), min(e.grace, leastGrace))
	}
	return e
}

// stop ends a container in order: preStop, TERM, and KILL when its time is up. It needs mu and does not wait.
func (w *worker) stop(ctx context.Context, c *container, e ending) {
	r := c.current
	if r == nil || r.stopping {
		if r != nil && e.rudely {
			r.session.Kill()
		}
		return
	}
	r.stopping = true
	w.event(c, corev1.EventTypeNormal, "Killing", e.message)
	w.tasks.Go(func() {
		by := time.NewTimer(e.grace)
		defer by.Stop()
		if !e.rudely && e.grace > 0 {
			w.preStop(ctx, c, r, by.C)
		}
		if err := r.session.Signal(syscall.SIGTERM); err != nil {
			w.a.Log.WarnContext(ctx, "container_not_signalled", "pod", w.full(), "container", c.name, "error", err)
		}
		_ = r.session.Signal(syscall.SIGCONT) // it may stand still for its CPU limit
		select {
		case <-r.session.Done():
			return
		case <-by.C:
		}
		r.session.Kill()
		<-r.session.Done()
	})
}

// preStop runs the hook, no longer than the container's grace.
func (w *worker) preStop(ctx context.Context, c *container, r *run, by <-chan time.Time) {
	if r.spec.Lifecycle == nil || r.spec.Lifecycle.PreStop == nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- w.hook(ctx, r, r.spec.Lifecycle.PreStop) }()
	select {
	case err := <-done:
		if err != nil {
			w.note(c, corev1.EventTypeWarning, "FailedPreStopHook", "PreStopHook failed")
			w.a.Log.InfoContext(ctx, "hook_failed", "hook", "preStop", "pod", w.full(), "container", c.name, "error", err)
		}
	case <-by:
		cancel()
		<-done //nolint:errcheck // the hook was cut off, so it has failed
		r.session.Kill()
	case <-r.session.Done():
		cancel()
		<-done //nolint:errcheck // the hook was cut off, so it has failed
	}
}

// postStart runs the hook beside the container, which is killed when it fails.
func (w *worker) postStart(ctx context.Context, c *container, r *run) {
	if r.spec.Lifecycle == nil || r.spec.Lifecycle.PostStart == nil {
		return
	}
	err := w.hook(ctx, r, r.spec.Lifecycle.PostStart)
	if err == nil {
		return
	}
	w.a.Log.InfoContext(ctx, "hook_failed", "hook", "postStart", "pod", w.full(), "container", c.name, "error", err)
	w.note(c, corev1.EventTypeWarning, "FailedPostStartHook", "PostStartHook failed")
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.current == r {
		w.stop(ctx, c, ending{message: "FailedPostStartHook", grace: grace(w.pod)})
	}
}

// note is an event from outside the worker's goroutine.
func (w *worker) note(c *container, kind, reason, message string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.event(c, kind, reason, message)
}

// hook runs one lifecycle hook to its end.
func (w *worker) hook(ctx context.Context, r *run, h *corev1.LifecycleHandler) error {
	switch {
	case h.Exec != nil:
		output, err := w.execute(ctx, r, h.Exec.Command)
		if err != nil {
			return fmt.Errorf("running %q: %w: %s", h.Exec.Command, err, output)
		}
		return nil
	case h.HTTPGet != nil:
		seconds := int32(hookTimeout / time.Second)
		if why := w.target(r).Check(ctx, &corev1.Probe{
			ProbeHandler: corev1.ProbeHandler{HTTPGet: h.HTTPGet}, TimeoutSeconds: seconds,
		}); why != "" {
			return errors.New(why)
		}
		return nil
	case h.Sleep != nil:
		pause := time.NewTimer(time.Duration(h.Sleep.Seconds) * time.Second)
		defer pause.Stop()
		select {
		case <-pause.C:
		case <-ctx.Done():
		}
		return nil
	}
	return errors.New("the hook has no action: set exec, httpGet or sleep")
}

// exitError says that a command run in a container did not succeed.
type exitError struct{ code int32 }

func (e exitError) Error() string { return fmt.Sprintf("exit code %d", e.code) }

// execute runs a command in a container and gives what it printed, at most as much as a probe keeps.
func (w *worker) execute(ctx context.Context, r *run, command []string) (string, error) {
	path, argv, err := w.outside(r, command)
	if err != nil {
		return "", err
	}
	out := &bounded{most: maxProbeOutput}
	s, err := r.start(process.Spec{Path: path, Argv: argv, Stdout: out, Stderr: out})
	if err != nil {
		return "", err
	}
	defer r.end(s)
	select {
	case <-s.Done():
	case <-ctx.Done():
		s.Kill()
		<-s.Done()
		return out.String(), ctx.Err()
	}
	if code := s.Exit().Code; code != 0 {
		return out.String(), exitError{code}
	}
	return out.String(), nil
}

// outside gives the program for a command that comes from outside: the container's own shell, or the one of the lab,
// since an image of the lab holds nothing else.
func (w *worker) outside(r *run, command []string) (path string, argv []string, err error) {
	if len(command) == 0 {
		return "", nil, errors.New("no command was given")
	}
	if r.program.Shell {
		return r.program.Path, command, nil
	}
	shell, err := w.a.Images.Resolve(shellImage)
	if err != nil {
		return "", nil, fmt.Errorf("finding the shell for %q: %w", command[0], err)
	}
	return shell.Path, command, nil
}

// restartChanged stops a container whose image was changed, so that it starts anew with the other. It needs mu.
func (w *worker) restartChanged(ctx context.Context, c *container) {
	if c.current != nil && c.current.spec.Image != c.Spec.Image && !c.current.stopping && c.Kind != lifecycle.Init {
		w.stop(ctx, c, ending{
			message: fmt.Sprintf("Container %s definition changed, will be restarted", c.name), grace: grace(w.pod),
		})
	}
}
