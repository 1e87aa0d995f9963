package resource

import (
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/series"
)

// Sample is the usage of one container or node. CPU is what was used on
// average over Window, which ended at At; memory is the working set.
type Sample struct {
	At     time.Time
	Window time.Duration // 0 when there is no CPU
	// CPU is in thousandths of a core, rounded up as a quantity's MilliValue; NanoCPU is exact.
	CPU, NanoCPU               int64
	Memory, Swap               int64 // bytes
	HasCPU, HasMemory, HasSwap bool
}

// Container is a container's sample.
type Container struct {
	Name string
	Sample
}

// PodSample is what is known of a pod: its containers in order of their names,
// or why nothing is.
type PodSample struct {
	Containers []Container
	Missing    string
}

// Pod returns the samples of a pod's containers. It reports false when no node
// reports such a pod.
func (s *Store) Pod(namespace, name string) (PodSample, bool) {
	var out PodSample
	held := s.series.View(series.Key{Namespace: namespace, Name: name}, func(n *node, p *pod) {
		if out.Missing = n.failing; out.Missing != "" {
			return
		}
		out.Containers = make([]Container, 0, len(p.containers))
		for c := range p.live {
			out.Containers = append(out.Containers, Container{Name: c.name, Sample: c.sample()})
		}
	})
	return out, held
}

// Node returns the usage of a node as a whole. It reports false when there is
// none to serve.
func (s *Store) Node(name string) (Sample, bool) {
	var out Sample
	held := s.series.ViewGroup(name, func(n *node) {
		if n.failing == "" {
			out = n.sample()
		}
	})
	return out, held && (out.HasCPU || out.HasMemory)
}

// Silence returns why a node has no CPU to serve; empty when it has, or was
// never asked.
func (s *Store) Silence(name string) string {
	var why string
	s.series.ViewGroup(name, func(n *node) {
		if why = n.failing; why == "" {
			_, gap := n.cpu.Rate()
			why = sentence(gap)
		}
	})
	return why
}

// PodUsage returns a pod's use of CPU in thousandths of a core, or of memory in
// thousandths of a byte, as upstream's controller counts both: of one
// container, or of all with each rounded up when container is empty. The
// instant is that of the oldest sample in the sum. It is missing, with the
// reason, when any of the containers lacks it. It does not allocate unless it
// is missing.
//
//nolint:revive // cpu or memory is what this asks, there is no third
func (s *Store) PodUsage(namespace, name, container string, cpu bool) (milli int64, at time.Time, window time.Duration, missing string) {
	sum := tally{container: container, read: (*usage).milliMemory}
	if cpu {
		sum.read = (*usage).milliCPU
	}
	key := series.Key{Namespace: namespace, Name: name}
	if !s.series.View(key, func(n *node, p *pod) { sum.add(n, p) }) {
		return 0, time.Time{}, 0, fmt.Sprintf("no node reports pod %s", key)
	}
	if sum.missing == "" && sum.containers == 0 {
		sum.missing = fmt.Sprintf("pod %s reports no container %s", key, container)
	}
	return sum.milli, sum.at, sum.window, sum.missing
}

// tally sums the usage of a pod's containers.
type tally struct {
	container string // only this one; empty: all
	read      func(*usage) (milli int64, at time.Time, window time.Duration, gap string)

	containers int
	milli      int64
	at         time.Time
	window     time.Duration
	missing    string
}

func (t *tally) add(n *node, p *pod) {
	if t.missing = n.failing; t.missing != "" {
		return
	}
	for c := range p.live {
		if t.container != "" && t.container != c.name {
			continue
		}
		milli, at, window, gap := t.read(&c.usage)
		if gap != "" {
			*t = tally{missing: "container " + c.name + ": " + gap}
			return
		}
		t.containers++
		t.milli += milli
		if t.at.IsZero() || at.Before(t.at) {
			t.at, t.window = at, window
		}
	}
}

// milliCPU returns the rate in thousandths of a core, rounded up.
func (u *usage) milliCPU() (milli int64, at time.Time, window time.Duration, gap string) {
	r, g := u.cpu.Rate()
	return (int64(r.PerSecond) + 999_999) / 1_000_000, r.At, r.Window, sentence(g)
}

// milliMemory returns the working set in thousandths of a byte.
func (u *usage) milliMemory() (milli int64, at time.Time, window time.Duration, gap string) {
	if u.memoryAt == 0 {
		return 0, time.Time{}, 0, "the kubelet reports no memory yet"
	}
	r, _ := u.cpu.Rate()
	return int64(u.memory) * 1000, time.UnixMilli(u.memoryAt).UTC(), r.Window, "" //nolint:gosec // count keeps it below MaxInt64
}

// sentence says why there is no rate.
func sentence(g series.Gap) string {
	switch g {
	case series.Unseen:
		return "the kubelet reports no CPU yet"
	case series.Single:
		return "no second sample yet"
	case series.Restarted:
		return "no second sample since its restart"
	case series.WentBack:
		return "its counter went back, no second sample since"
	case series.NoGap:
	}
	return ""
}

func (u *usage) sample() Sample {
	r, gap := u.cpu.Rate()
	out := Sample{At: r.At, Window: r.Window, HasCPU: gap == series.NoGap, HasMemory: u.memoryAt != 0, HasSwap: u.hasSwap}
	if out.HasCPU {
		out.NanoCPU = int64(r.PerSecond)
		out.CPU = (out.NanoCPU + 999_999) / 1_000_000
	}
	if out.HasMemory {
		out.Memory = int64(u.memory) //nolint:gosec // count keeps it below MaxInt64
	}
	if out.HasSwap {
		out.Swap = int64(u.swap) //nolint:gosec // take keeps it below MaxInt64
	}
	if gap == series.Unseen {
		out.At = time.UnixMilli(u.memoryAt).UTC()
	}
	return out
}

// Served reports what metrics.k8s.io shows of the pod, as metrics-server does:
// nothing unless every container has both CPU and memory.
func (p PodSample) Served() bool {
	return len(p.Containers) > 0 && !slices.ContainsFunc(p.Containers, func(c Container) bool {
		return !c.HasCPU || !c.HasMemory
	})
}
