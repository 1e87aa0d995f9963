package agent

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/furl-dev/furl/lab/agent/lifecycle"
	"github.com/furl-dev/furl/lab/agent/logs"
	corev1 "k8s.io/api/core/v1"
	podutil "k8s.io/kubernetes/pkg/api/v1/pod"
)

const (
	configRetry  = 10 * time.Second // after a ConfigMap or Secret of the environment was missing
	showPullFor  = time.Second      // ErrImagePull is shown before ImagePullBackOff
	maxMessage   = 4096             // bytes of a termination message: the kubelet's
	exitStart    = 128              // exit code of a program that could not be started
	exitSIGKILL  = 137
	reasonPull   = "ErrImagePull"
	reasonPaused = "ImagePullBackOff"
	reasonCrash  = "CrashLoopBackOff"
	reasonConfig = "CreateContainerConfigError"
)

// container is one container of a worker's pod. Its worker's mu guards all but its name.
type container struct {
	name                string
	lifecycle.Container // its Spec may be replaced; what runs now was made from the run's own
	crash, pull         lifecycle.Backoff
	failedAt            time.Time // the last failed start
	current             *run
	log, previous       *logs.Log
	used                time.Duration // CPU of earlier runs
}

// newContainer takes over what the API server knows of a container: a node that begins anew has lost its processes,
// but not their count.
func newContainer(c lifecycle.Container, pod *corev1.Pod, at time.Time) *container {
	known := slices.Concat(pod.Status.InitContainerStatuses, pod.Status.ContainerStatuses)
	s, ok := podutil.GetContainerStatus(known, c.Spec.Name)
	if !ok {
		return &container{name: c.Spec.Name, Container: c}
	}
	c.Status = *s.DeepCopy()
	c.Status.Started, c.Status.Ready = new(bool), c.Kind == lifecycle.Init && s.Ready
	if s.State.Running != nil {
		c.Status.State = corev1.ContainerState{Terminated: &corev1.ContainerStateTerminated{
			ExitCode: exitSIGKILL, Reason: "ContainerStatusUnknown", StartedAt: s.State.Running.StartedAt, FinishedAt: instant(at),
			Message: "The node of the lab was restarted, which ended the container's processes", ContainerID: s.ContainerID,
		}}
	}
	return &container{name: c.Spec.Name, Container: c}
}

// start needs mu.
func (w *worker) start(ctx context.Context, c *container, at time.Time) {
	if ended := lastEnd(&c.Status); !ended.IsZero() {
		c.crash = c.crash.Advance(ended, at)
	}
	c.Busy = true
	w.tasks.Go(func() {
		r, err := w.launch(ctx, c)
		w.mu.Lock()
		c.Busy = false
		if err != nil {
			w.notStarted(c, err, time.Now())
		} else {
			w.running(ctx, c, r)
		}
		w.mu.Unlock()
		w.poke()
	})
}

// lastEnd is when the container ended most recently.
func lastEnd(s *corev1.ContainerStatus) time.Time {
	for _, t := range []*corev1.ContainerStateTerminated{s.State.Terminated, s.LastTerminationState.Terminated} {
		if t != nil {
			return t.FinishedAt.Time
		}
	}
	return time.Time{}
}

// pullError says that no program stands for an image.
type pullError struct{ error }

// configError says that the spec asks for something that is not there.
type configError struct{ error }

// notStarted needs mu.
func (w *worker) notStarted(c *container, err error, at time.Time) {
	c.failedAt = at
	var pull pullError
	var config configError
	switch {
	case errors.As(err, &pull):
		c.pull = c.pull.Advance(at, at)
		c.Retry = at.Add(c.pull.Delay())
		w.wait(c, reasonPull, err.Error())
		w.event(c, corev1.EventTypeNormal, "Pulling", fmt.Sprintf("Pulling image %q", c.Spec.Image))
		w.event(c, corev1.EventTypeWarning, "Failed", fmt.Sprintf("Failed to pull image %q: %v", c.Spec.Image, err))
		w.event(c, corev1.EventTypeWarning, "Failed", "Error: "+reasonPull)
	case errors.As(err, &config):
		c.Retry = at.Add(configRetry)
		w.wait(c, reasonConfig, err.Error())
		w.event(c, corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
	default:
		w.endState(c, &corev1.ContainerStateTerminated{
			ExitCode: exitStart, Reason: "StartError", Message: err.Error(), StartedAt: instant(at), FinishedAt: instant(at),
		})
		c.Retry = c.crash.Retry(at)
		w.event(c, corev1.EventTypeWarning, "Failed", "Error: "+err.Error())
	}
}

// wait shows why the container is not running, and keeps how it ended before. It needs mu.
func (w *worker) wait(c *container, reason, message string) {
	if t := c.Status.State.Terminated; t != nil {
		c.Status.LastTerminationState = corev1.ContainerState{Terminated: t}
	}
	c.Status.State = corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: reason, Message: message}}
}

// endState needs mu.
func (w *worker) endState(c *container, t *corev1.ContainerStateTerminated) {
	if before := c.Status.State.Terminated; before != nil {
		c.Status.LastTerminationState = corev1.ContainerState{Terminated: before}
	}
	t.ContainerID = c.Status.ContainerID
	c.Status.State = corev1.ContainerState{Terminated: t}
	c.Status.Ready = c.Kind == lifecycle.Init && t.ExitCode == 0
	*c.Status.Started = false
}

// hold shows that containers wait for their back-off; it needs mu and gives the instant to show something else.
func (w *worker) hold(names []string, at time.Time) time.Time {
	var next time.Time
	for _, name := range names {
		c := w.container(name)
		switch {
		case c.Status.State.Terminated != nil:
			w.wait(c, reasonCrash, fmt.Sprintf("back-off %v restarting failed container=%s pod=%s", c.crash.Delay(), name, w.full()))
			w.event(c, corev1.EventTypeWarning, "BackOff",
				fmt.Sprintf("Back-off restarting failed container %s in pod %s", name, w.full()))
		case c.Status.State.Waiting != nil && c.Status.State.Waiting.Reason == reasonPull:
			if show := c.failedAt.Add(showPullFor); at.Before(show) {
				next = earlier(next, show)
				continue
			}
			message := fmt.Sprintf("Back-off pulling image %q: %s: %s", c.Spec.Image, reasonPull, c.Status.State.Waiting.Message)
			w.wait(c, reasonPaused, message)
			w.event(c, corev1.EventTypeNormal, "BackOff", fmt.Sprintf("Back-off pulling image %q", c.Spec.Image))
			w.event(c, corev1.EventTypeWarning, "Failed", "Error: "+reasonPaused)
		}
	}
	return next
}

func (w *worker) full() string { return fmt.Sprintf("%s_%s(%s)", w.name, w.namespace, w.uid) }

// running needs mu.
func (w *worker) running(ctx context.Context, c *container, r *run) {
	if lastEnd(&c.Status) != (time.Time{}) {
		c.Status.RestartCount++
	}
	if t := c.Status.State.Terminated; t != nil {
		c.Status.LastTerminationState = corev1.ContainerState{Terminated: t}
	}
	c.current = r
	c.pull = lifecycle.Backoff{}
	c.Status.State = corev1.ContainerState{Running: &corev1.ContainerStateRunning{StartedAt: instant(r.session.Started)}}
	c.Status.ContainerID = "furl://" + r.id
	c.Status.Image, c.Status.ImageID = r.spec.Image, r.program.Path
	*c.Status.Started = r.spec.StartupProbe == nil
	c.Status.Ready = c.Kind != lifecycle.Init && *c.Status.Started && r.spec.ReadinessProbe == nil
	w.event(c, corev1.EventTypeNormal, "Started", "Container started")
	w.probe(r.ctx, c, r) //nolint:contextcheck // the run's own context, which was made from ctx
	w.tasks.Go(func() { w.await(ctx, c, r) })
	w.tasks.Go(func() { w.postStart(ctx, c, r) })
}

// await takes note of a container's end.
func (w *worker) await(ctx context.Context, c *container, r *run) {
	<-r.session.Done()
	r.close()
	exit := r.session.Exit()
	t := &corev1.ContainerStateTerminated{
		ExitCode: exit.Code, Reason: "Error", StartedAt: instant(r.session.Started), FinishedAt: instant(exit.At),
		Message: w.terminationMessage(ctx, r, exit.Code),
	}
	switch {
	case r.outOfMemory.Load():
		t.Reason = "OOMKilled"
	case exit.Code == 0:
		t.Reason = "Completed"
	}
	w.mu.Lock()
	c.used += r.total()
	c.current = nil
	w.endState(c, t)
	c.Retry = c.crash.Retry(exit.At)
	w.mu.Unlock()
	w.a.Log.InfoContext(ctx, "container_ended", "namespace", w.namespace, "pod", w.name, "container", c.name, "exit_code", exit.Code, "reason", t.Reason)
	w.poke()
}

// terminationMessage is what the program left in its termination log or, if the spec says so, the end of its output.
func (w *worker) terminationMessage(ctx context.Context, r *run, code int32) string {
	if path := r.spec.TerminationMessagePath; path != "" {
		root, err := os.OpenRoot(w.root())
		if err == nil {
			defer func() { _ = root.Close() }()
			name, _ := filepath.Rel("/", filepath.Clean("/"+path))
			if b, err := root.ReadFile(name); err == nil && len(b) > 0 {
				_ = root.Remove(name)
				return string(b[:min(len(b), maxMessage)])
			}
		}
	}
	if r.spec.TerminationMessagePolicy != corev1.TerminationMessageFallbackToLogsOnError || code == 0 {
		return ""
	}
	return r.lastOutput(ctx)
}

// adoptSpec takes over what may change in the spec of a running pod. It needs mu.
func (w *worker) adoptSpec() {
	for _, list := range [][]corev1.Container{w.pod.Spec.InitContainers, w.pod.Spec.Containers} {
		for i := range list {
			c := w.container(list[i].Name)
			if c == nil || c.Spec == &list[i] {
				continue
			}
			c.Spec = &list[i]
			if c.current != nil {
				c.current.setShare(c.Spec)
			}
		}
	}
}

// event needs mu.
func (w *worker) event(c *container, kind, reason, message string) {
	ref := &corev1.ObjectReference{
		APIVersion: "v1", Kind: "Pod", Namespace: w.namespace, Name: w.name, UID: w.uid, ResourceVersion: w.pod.ResourceVersion,
	}
	if c != nil {
		part := "containers"
		if c.Kind != lifecycle.Main {
			part = "initContainers"
		}
		ref.FieldPath = "spec." + part + "{" + c.name + "}"
	}
	w.a.events.Event(ref, kind, reason, message)
}

func (w *worker) logFolder() string {
	return filepath.Join(w.a.Root, logsFolder, fmt.Sprintf("%s_%s_%s", w.namespace, w.name, w.uid))
}

// openLog begins the log of a container's next run, and keeps that of the run before.
func (w *worker) openLog(c *container) (*logs.Log, error) {
	w.mu.Lock()
	n := c.Status.RestartCount
	if !lastEnd(&c.Status).IsZero() {
		n++
	}
	w.mu.Unlock()
	l, err := logs.Create(filepath.Join(w.logFolder(), c.name, strconv.Itoa(int(n))+".log"), time.Now)
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if c.previous != nil {
		_ = c.previous.Remove()
	}
	c.previous, c.log = c.log, l
	return l, nil
}
