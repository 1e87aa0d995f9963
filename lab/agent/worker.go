package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/agent/lifecycle"
	"github.com/furl-dev/furl/lab/agent/volume"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	podsFolder      = "pods"
	logsFolder      = "logs"
	refreshEvery    = time.Minute // how often changed ConfigMaps and Secrets reach files, as in the kubelet
	idle            = time.Hour   // nothing is planned: only events matter
	firstMountRetry = time.Second
	mostMountRetry  = 30 * time.Second
	shutdownGrace   = 2 * time.Second // for every pod when the node itself ends
)

// worker runs one pod. One goroutine decides (run); those it starts report back under mu and wake it.
type worker struct {
	a               *agent
	uid             types.UID
	namespace, name string
	folder          string
	wake            chan struct{} // holds one: something has changed
	ended           chan struct{}
	tasks           sync.WaitGroup

	mu         sync.Mutex   // guards all below
	pod        *corev1.Pod  // as last seen
	base       *corev1.Pod  // the newest status known to be at the API server
	containers []*container // init containers first, in the spec's order
	facts      lifecycle.Facts
	vanished   bool          // the object is gone
	shutdown   bool          // the node is ending
	endBy      time.Time     // when an ending pod's last process must be gone
	prepared   bool          // it has an address, a folder and volumes
	refreshed  time.Time     // when the volumes were written
	mountRetry time.Duration // the pause after a volume could not be had
	mountAt    time.Time
	finished   bool // everything was given back
	deleted    bool // the API server was told that nothing runs any more
}

func newWorker(a *agent, pod *corev1.Pod) *worker {
	w := &worker{
		a: a, uid: pod.UID, namespace: pod.Namespace, name: pod.Name,
		folder: filepath.Join(a.Root, podsFolder, string(pod.UID)),
		wake:   make(chan struct{}, 1), ended: make(chan struct{}), pod: pod, base: pod,
	}
	w.facts = lifecycle.Facts{HostIP: a.ListenHost, Started: time.Now()}
	if pod.Status.Phase == corev1.PodSucceeded || pod.Status.Phase == corev1.PodFailed {
		w.finished = true
		w.facts.PodIP = pod.Status.PodIP
	}
	for _, c := range lifecycle.Kinds(pod) {
		w.containers = append(w.containers, newContainer(c, pod, w.facts.Started))
	}
	return w
}

// root is the folder that stands for "/" in the pod.
func (w *worker) root() string { return volume.Root(w.folder) }

func (w *worker) poke() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// observe takes a newer version of the pod.
func (w *worker) observe(pod *corev1.Pod) {
	w.mu.Lock()
	w.pod = pod
	if newer(pod, w.base) {
		w.base = pod
	}
	w.mu.Unlock()
	w.poke()
}

func (w *worker) vanish(pod *corev1.Pod) {
	w.mu.Lock()
	w.pod, w.vanished = pod, true
	w.mu.Unlock()
	w.poke()
}

func (w *worker) isEnding() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ending(time.Now())
}

// ending needs mu.
func (w *worker) ending(at time.Time) bool {
	return w.vanished || w.shutdown || w.pod.DeletionTimestamp != nil || w.pastDeadline(at)
}

// run decides until the pod, or the node, has come to its end.
func (w *worker) run(ctx context.Context) {
	defer close(w.ended)
	// What runs for the pod outlives ctx a little: processes get time to end.
	work, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	defer w.a.forget(w)
	done := ctx.Done()
	for {
		next, over := w.sync(work)
		if over {
			stop()
			w.tasks.Wait()
			w.giveBack()
			_ = os.RemoveAll(w.folder)
			_ = os.RemoveAll(w.logFolder())
			return
		}
		pause := idle
		if !next.IsZero() {
			pause = time.Until(next)
		}
		timer := time.NewTimer(pause)
		select {
		case <-w.wake:
		case <-timer.C:
		case <-done:
			done = nil
			w.mu.Lock()
			w.shutdown = true
			w.mu.Unlock()
		}
		timer.Stop()
	}
}

// sync does what is to be done now. It gives the instant to look again if nothing happens before, and whether the
// worker's work is over.
func (w *worker) sync(ctx context.Context) (next time.Time, over bool) {
	at := time.Now()
	w.mu.Lock()
	ending := w.ending(at)
	next = w.deadline(at)
	if !ending && !w.finished {
		next = earlier(next, w.prepare(ctx, at))
	}
	plan := lifecycle.Plan{Over: w.finished}
	if w.prepared || (ending && !w.finished) {
		w.adoptSpec()
		plan = lifecycle.Next(w.pod, w.view(), ending, at)
		w.act(ctx, plan, at)
		next = earlier(next, earlier(plan.At, w.hold(plan.Hold, at)))
	}
	w.facts.Over = plan.Over
	deleting, gone, quitting, told := w.pod.DeletionTimestamp != nil, w.vanished, w.shutdown, w.finished
	w.mu.Unlock()
	switch {
	case gone, quitting:
		return next, plan.Over
	case !told && !w.publish(ctx, at):
		next = earlier(next, at.Add(retryEvery))
	case plan.Over && deleting:
		if !w.finalise(ctx) {
			next = earlier(next, at.Add(retryEvery))
		}
	case plan.Over:
		w.mu.Lock()
		w.finished = true
		w.mu.Unlock()
		w.giveBack()
	}
	return next, false
}

// prepare gives the pod an address, a folder and its volumes, and keeps the volumes up to date. It needs mu, which it
// leaves while it calls the API server, and returns when to do so again.
func (w *worker) prepare(ctx context.Context, at time.Time) time.Time {
	if w.facts.PodIP == "" {
		if err := w.connect(); err != nil {
			w.a.events.Eventf(w.pod, corev1.EventTypeWarning, "FailedCreatePodSandBox", "Failed to create pod sandbox: %v", err)
			return at.Add(mostMountRetry)
		}
	}
	if w.prepared && (!volume.Refreshable(w.pod) || at.Before(w.refreshed.Add(refreshEvery))) {
		return w.nextRefresh()
	}
	if at.Before(w.mountAt) {
		return w.mountAt
	}
	pod := w.pod.DeepCopy()
	pod.Status.PodIP, pod.Status.HostIP = w.facts.PodIP, w.facts.HostIP
	pod.Status.PodIPs = []corev1.PodIP{{IP: w.facts.PodIP}}
	w.mu.Unlock()
	err := errors.Join(os.MkdirAll(w.root(), 0o700), w.a.volumes.Write(ctx, pod, w.root()))
	w.mu.Lock()
	if err != nil {
		w.mountRetry = min(max(2*w.mountRetry, firstMountRetry), mostMountRetry)
		w.mountAt = at.Add(w.mountRetry)
		if ctx.Err() == nil {
			w.a.events.Event(w.pod, corev1.EventTypeWarning, "FailedMount", err.Error())
		}
		return w.mountAt
	}
	w.prepared, w.refreshed, w.mountRetry = true, at, 0
	return w.nextRefresh()
}

// nextRefresh needs mu.
func (w *worker) nextRefresh() time.Time {
	if !volume.Refreshable(w.pod) {
		return time.Time{}
	}
	return w.refreshed.Add(refreshEvery)
}

// connect needs mu.
func (w *worker) connect() error {
	if w.pod.Spec.HostNetwork {
		w.facts.PodIP = w.a.ListenHost
		return nil
	}
	ip, err := w.a.addresses.Take()
	if err != nil {
		return err
	}
	w.facts.PodIP = ip.String()
	return nil
}

// giveBack returns the address and the ports of a pod that runs nothing any more.
func (w *worker) giveBack() {
	w.mu.Lock()
	ip, had := w.facts.PodIP, w.prepared
	w.prepared = false
	w.mu.Unlock()
	if !had {
		return
	}
	w.a.Ports.Release(ip)
	if at, err := parseAddr(ip); err == nil && ip != w.a.ListenHost {
		w.a.addresses.Give(at)
	}
}

// deadline is when the pod's activeDeadlineSeconds are over. It needs mu, and notes that they are.
func (w *worker) deadline(at time.Time) time.Time {
	if w.pastDeadline(at) && !w.finished {
		w.facts.Reason = "DeadlineExceeded"
		w.facts.Message = "Pod was active on the node longer than the specified deadline"
		return time.Time{}
	}
	if w.pod.Spec.ActiveDeadlineSeconds == nil || w.finished {
		return time.Time{}
	}
	return w.started().Add(time.Duration(*w.pod.Spec.ActiveDeadlineSeconds) * time.Second)
}

// pastDeadline needs mu.
func (w *worker) pastDeadline(at time.Time) bool {
	seconds := w.pod.Spec.ActiveDeadlineSeconds
	return seconds != nil && !at.Before(w.started().Add(time.Duration(*seconds)*time.Second))
}

// started needs mu.
func (w *worker) started() time.Time {
	if w.pod.Status.StartTime != nil {
		return w.pod.Status.StartTime.Time
	}
	return w.facts.Started
}

// view is the containers as the rules see them. It needs mu.
func (w *worker) view() []lifecycle.Container {
	all := make([]lifecycle.Container, len(w.containers))
	for i, c := range w.containers {
		all[i] = c.Container
		all[i].Status = *c.Status.DeepCopy()
	}
	return all
}

// act needs mu.
func (w *worker) act(ctx context.Context, plan lifecycle.Plan, at time.Time) {
	for _, name := range plan.Start {
		w.start(ctx, w.container(name), at)
	}
	for _, name := range plan.Stop {
		c := w.container(name)
		w.stop(ctx, c, w.endingReason(c))
	}
	for _, c := range w.containers {
		w.restartChanged(ctx, c)
	}
}

// container needs no lock: the list and its names never change. Nil: there is none of this name.
func (w *worker) container(name string) *container {
	for _, c := range w.containers {
		if c.name == name {
			return c
		}
	}
	return nil
}

// earlier is the earlier of two instants, of which a zero one does not count.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

func grace(pod *corev1.Pod) time.Duration {
	seconds := int64(corev1.DefaultTerminationGracePeriodSeconds)
	if pod.Spec.TerminationGracePeriodSeconds != nil {
		seconds = *pod.Spec.TerminationGracePeriodSeconds
	}
	if pod.DeletionGracePeriodSeconds != nil {
		seconds = *pod.DeletionGracePeriodSeconds
	}
	return time.Duration(seconds) * time.Second
}

func instant(at time.Time) metav1.Time { return metav1.NewTime(at).Rfc3339Copy() }
