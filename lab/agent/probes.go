package agent

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/agent/lifecycle"
	"github.com/furl-dev/furl/lab/agent/probe"
	corev1 "k8s.io/api/core/v1"
)

// maxProbeOutput is how much of a command's output is kept, in bytes: the kubelet's.
const maxProbeOutput = 10 << 10

// probe starts the watchers of a run: the startup probe alone, and when it has passed the other two. It needs mu.
func (w *worker) probe(ctx context.Context, c *container, r *run) {
	if c.Kind == lifecycle.Init {
		return
	}
	startup := r.spec.StartupProbe
	if startup == nil {
		w.probeStarted(ctx, c, r)
		return
	}
	starting, stop := context.WithCancel(ctx)
	w.watch(starting, c, r, "Startup", startup, func(good bool) {
		defer stop()
		w.mu.Lock()
		defer w.mu.Unlock()
		if c.current != r {
			return
		}
		if !good {
			w.unhealthy(ctx, c, startup, "startup")
			return
		}
		*c.Status.Started = true
		c.Status.Ready = r.spec.ReadinessProbe == nil
		w.probeStarted(ctx, c, r)
		w.poke()
	})
}

// probeStarted needs mu.
func (w *worker) probeStarted(ctx context.Context, c *container, r *run) {
	if p := r.spec.ReadinessProbe; p != nil {
		w.watch(ctx, c, r, "Readiness", p, func(good bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if c.current == r && c.Status.Ready != good {
				c.Status.Ready = good
				w.poke()
			}
		})
	}
	if p := r.spec.LivenessProbe; p != nil {
		w.watch(ctx, c, r, "Liveness", p, func(good bool) {
			w.mu.Lock()
			defer w.mu.Unlock()
			if c.current == r && !good {
				w.unhealthy(ctx, c, p, "liveness")
			}
		})
	}
}

// unhealthy stops a container that failed a probe; its restart policy decides what follows. It needs mu.
func (w *worker) unhealthy(ctx context.Context, c *container, p *corev1.Probe, kind string) {
	if w.ending(time.Now()) {
		return
	}
	e := ending{message: fmt.Sprintf("Container %s failed %s probe", c.name, kind), grace: grace(w.pod)}
	if p.TerminationGracePeriodSeconds != nil {
		e.grace = time.Duration(*p.TerminationGracePeriodSeconds) * time.Second
	}
	if lifecycle.Restarts(w.pod, &c.Container) {
		e.message += ", will be restarted"
	}
	w.stop(context.WithoutCancel(ctx), c, e)
}

func (w *worker) watch(ctx context.Context, c *container, r *run, kind string, p *corev1.Probe, settled func(bool)) {
	target := w.target(r)
	w.tasks.Go(func() {
		probe.Watch(ctx, p, target, settled, func(why string) {
			w.note(c, corev1.EventTypeWarning, "Unhealthy", kind+" probe failed: "+why)
		})
	})
}

func (w *worker) target(r *run) probe.Target {
	return probe.Target{
		Container: r.spec, PodIP: w.facts.PodIP,
		Socket: w.socket,
		Exec:   func(ctx context.Context, command []string) (string, error) { return w.execute(ctx, r, command) },
	}
}

// socket is where a port of the pod really is; a port that the spec does not name is on the pod's own address.
func (w *worker) socket(port int32) string {
	if at, ok := w.a.Ports.Lookup(w.facts.PodIP, port); ok {
		return at
	}
	return net.JoinHostPort(w.facts.PodIP, strconv.Itoa(int(port)))
}

// bounded keeps the beginning of what is written to it.
type bounded struct {
	most int

	mu   sync.Mutex // guards text
	text strings.Builder
}

func (b *bounded) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.text.Write(p[:min(len(p), b.most-b.text.Len())])
	return len(p), nil
}

func (b *bounded) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}
