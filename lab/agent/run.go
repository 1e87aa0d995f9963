package agent

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/furl-dev/furl/lab/agent/logs"
	"github.com/furl-dev/furl/lab/agent/process"
	"github.com/furl-dev/furl/lab/agent/usage"
	"github.com/furl-dev/furl/lab/images"
	"github.com/furl-dev/furl/lab/limit"
	corev1 "k8s.io/api/core/v1"
)

// freshEnough is how old a look at the process table may be to find out whom a CPU quota holds.
const freshEnough = 200 * time.Millisecond

// run is one life of a container: its process, and what was started in it from outside.
type run struct {
	id          string
	worker      *worker
	ctx         context.Context //nolint:containedctx // the lifetime of the run itself: probes and hooks end with it
	cancel      context.CancelFunc
	spec        *corev1.Container // as it was when the run began
	program     images.Program
	env         map[string]string
	dir         string
	log         *logs.Log
	audience    audience
	session     *process.Session
	counter     usage.Counter
	outOfMemory atomic.Bool
	stopping    bool // guarded by the worker's mu

	mu    sync.Mutex // guards all below
	execs map[*process.Session]bool
	spent time.Duration // CPU of execs that have ended
	quota limit.Quota
	share float64
}

func newRun(ctx context.Context, w *worker, spec *corev1.Container, p images.Program) *run {
	r := &run{id: newID(), worker: w, spec: spec, program: p, execs: map[*process.Session]bool{}}
	r.ctx, r.cancel = context.WithCancel(ctx)
	return r
}

// cores is the CPU limit of a container, 0 for none.
func cores(c *corev1.Container) float64 {
	return c.Resources.Limits.Cpu().AsApproximateFloat64()
}

// limitCPU prepares the quota that the process is put under as soon as it exists.
func (r *run) limitCPU(c *corev1.Container) error {
	r.share = cores(c)
	if r.share == 0 {
		return nil
	}
	quota, err := r.worker.a.limiter.CPU(r.id, r.share, r.members)
	if err != nil {
		return err
	}
	r.quota = quota
	return nil
}

// setShare follows a resize of the pod in place.
func (r *run) setShare(c *corev1.Container) {
	r.mu.Lock()
	defer r.mu.Unlock()
	want := cores(c)
	if want == r.share || r.quota == nil || want == 0 {
		return
	}
	if err := r.quota.Set(want); err != nil {
		r.worker.a.Log.Warn("cpu_limit_not_changed", "container", c.Name, "error", err)
		return
	}
	r.share = want
}

func (r *run) prepare(process int) error {
	if r.quota == nil {
		return nil
	}
	return r.quota.Add(process)
}

// sessions are the container's process and the execs in it.
func (r *run) sessions() []*process.Session {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]*process.Session, 0, 1+len(r.execs))
	if r.session != nil {
		all = append(all, r.session)
	}
	for s := range r.execs {
		all = append(all, s)
	}
	return all
}

func (r *run) members() []int {
	table := r.worker.a.host.Scan(freshEnough)
	var ids []int
	for _, s := range r.sessions() {
		for _, p := range table[s.ID] {
			if p.State != 'Z' {
				ids = append(ids, p.ID)
			}
		}
	}
	return ids
}

// start runs something else in the container, under its limits and in its place.
func (r *run) start(spec process.Spec) (*process.Session, error) {
	spec.Dir, spec.Prepare = r.dir, r.prepare
	if spec.Env == nil {
		spec.Env = pairs(r.env)
	}
	s, err := r.worker.a.host.Start(spec)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	r.execs[s] = true
	r.mu.Unlock()
	return s, nil
}

// end takes note that an exec has ended.
func (r *run) end(s *process.Session) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.execs[s] {
		delete(r.execs, s)
		r.spent += s.CPU(nil)
	}
}

// cpu is what the run has used, given a fresh table.
func (r *run) cpu(table process.Table) time.Duration {
	first := true
	return r.counter.Observe(func() time.Duration {
		if !first {
			table = r.worker.a.host.Scan(0)
		}
		first = false
		r.mu.Lock()
		sum := r.spent
		r.mu.Unlock()
		for _, s := range r.sessions() {
			sum += s.CPU(table)
		}
		return sum
	})
}

// total is what the run has used in all, after its end.
func (r *run) total() time.Duration { return r.cpu(nil) }

// memory is what the run's processes hold.
func (r *run) memory(table process.Table) (resident, swapped int64) {
	for _, s := range r.sessions() {
		for _, p := range table[s.ID] {
			held, out := process.Memory(p.ID)
			resident += held
			swapped += out
		}
	}
	return resident, swapped
}

// close ends what was started in the container, once its own process is gone.
func (r *run) close() {
	r.cancel()
	r.mu.Lock()
	execs := make([]*process.Session, 0, len(r.execs))
	for s := range r.execs {
		execs = append(execs, s)
	}
	r.mu.Unlock()
	for _, s := range execs {
		s.Kill()
		<-s.Done()
		r.end(s)
	}
	r.log.Close()
	r.audience.close()
	if r.quota != nil {
		if err := r.quota.Close(); err != nil {
			r.worker.a.Log.Warn("cgroup_left", "error", err)
		}
	}
}

// output is where the container prints to: the log first, then who is attached.
func (r *run) output(name string) io.Writer {
	return io.MultiWriter(r.log.Stream(name), r.audience.stream(name))
}

// lastOutput is the end of the log, at most what a termination message holds.
func (r *run) lastOutput(ctx context.Context) string {
	lines := int64(80) // the kubelet's
	var b bytes.Buffer
	if err := r.log.Read(ctx, logs.Wanted{Tail: &lines}, &b); err != nil {
		return fmt.Sprintf("the log could not be read: %v", err)
	}
	text := b.Bytes()
	return string(text[max(0, len(text)-2048):])
}
