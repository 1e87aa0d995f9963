package agent

import (
	"cmp"
	"context"
	"io"
	"os"
	"slices"
	"time"

	"github.com/furl-dev/furl/lab/agent/process"
	"github.com/furl-dev/furl/lab/agent/usage"
)

// lookAtMemory is how often containers with a memory limit are held against it.
const lookAtMemory = time.Second

// metrics writes /metrics/resource, read at this moment.
func (a *agent) metrics(w io.Writer) error {
	table := a.host.Scan(0)
	return usage.Write(w, a.usage(table), table == nil)
}

func (a *agent) usage(table process.Table) usage.Node {
	a.mu.Lock()
	workers := make([]*worker, 0, len(a.workers))
	for _, w := range a.workers {
		workers = append(workers, w)
	}
	n := usage.Node{CPU: a.cpu}
	a.mu.Unlock()
	for _, w := range workers {
		p, alive := w.usage(table)
		n.CPU += p.CPU
		n.MemoryBytes += p.MemoryBytes
		n.SwapBytes += p.SwapBytes
		if alive {
			n.Pods = append(n.Pods, p)
		}
	}
	// The agent is the node's system. With no pod a node would use nothing at all, which is how a kubelet says that it has
	// not measured yet.
	held, swapped := process.Memory(os.Getpid())
	n.MemoryBytes += held
	n.SwapBytes += swapped
	n.At = time.Now()
	slices.SortFunc(n.Pods, func(x, y usage.Pod) int {
		return cmp.Or(cmp.Compare(x.Namespace, y.Namespace), cmp.Compare(x.Name, y.Name))
	})
	return n
}

// usage is the pod's use, and whether any container of it runs.
func (w *worker) usage(table process.Table) (usage.Pod, bool) {
	w.mu.Lock()
	p := usage.Pod{Namespace: w.namespace, Name: w.name}
	type running struct {
		c usage.Container
		r *run
	}
	var all []running
	for _, c := range w.containers {
		p.CPU += c.used
		if c.current != nil {
			all = append(all, running{usage.Container{Name: c.name, Started: c.current.session.Started}, c.current})
		}
	}
	w.mu.Unlock()
	for _, x := range all {
		x.c.CPU = x.r.cpu(table)
		x.c.MemoryBytes, x.c.SwapBytes = x.r.memory(table)
		x.c.At = time.Now()
		p.CPU += x.c.CPU
		p.MemoryBytes += x.c.MemoryBytes
		p.SwapBytes += x.c.SwapBytes
		p.Containers = append(p.Containers, x.c)
	}
	p.At = time.Now()
	return p, len(all) > 0
}

// cpu is what the pod used in all, after its end.
func (w *worker) cpu() time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	var sum time.Duration
	for _, c := range w.containers {
		sum += c.used
	}
	return sum
}

// watchMemory kills what outgrows its memory limit, until ctx ends.
func (a *agent) watchMemory(ctx context.Context) {
	tick := time.NewTicker(lookAtMemory)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		a.mu.Lock()
		workers := make([]*worker, 0, len(a.workers))
		for _, w := range a.workers {
			workers = append(workers, w)
		}
		a.mu.Unlock()
		for _, w := range workers {
			w.holdMemory()
		}
	}
}

func (w *worker) holdMemory() {
	w.mu.Lock()
	limits := map[*run]int64{}
	for _, c := range w.containers {
		if most := c.Spec.Resources.Limits.Memory().Value(); most > 0 && c.current != nil {
			limits[c.current] = most
		}
	}
	w.mu.Unlock()
	for r, most := range limits {
		if held, _ := r.memory(w.a.host.Scan(freshEnough)); held > most {
			w.a.Log.Info("container_out_of_memory", "pod", w.full(), "used_bytes", held, "limit_bytes", most)
			r.outOfMemory.Store(true)
			r.session.Kill()
		}
	}
}
