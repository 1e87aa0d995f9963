package resource

import (
	"cmp"
	"fmt"
	"io"
	"math"
	"slices"
	"sync"
	"time"
	"unique"

	"github.com/furl-dev/furl/series"
)

// maxPods bounds the store: some ten times the largest cluster Kubernetes is
// tested for would be a mistake of somebody's, not a cluster.
const maxPods = 1_000_000

// patience is the least time for which the samples of a node that does not
// answer are still served; it is twice the resolution if that is more.
const patience = 30 * time.Second

// Store holds the latest samples of every node and container. It is safe for
// concurrent use; readers wait at most while one node's samples are replaced.
type Store struct {
	resolution time.Duration
	series     *series.Store[node, pod]
	answers    sync.Pool

	mu        sync.RWMutex // guards listeners
	listeners []func(Scraped)
}

// node is what is known of a node beside its pods.
type node struct {
	usage
	scraped time.Time // when it answered last
	failing string    // why its samples are too old to serve; empty: they are not
}

// pod is what is known of a pod.
type pod struct {
	turn       uint32      // the scrape that named it last
	news       bool        // that scrape had a newer CPU sample
	containers []container // sorted by name
}

// container is 96 bytes; a large cluster has tens of thousands.
type container struct {
	name string
	turn uint32
	usage
}

// usage is the measurements of a container or a node.
type usage struct {
	cpu          series.Counter // nanoseconds of CPU
	memory, swap uint64         // bytes
	memoryAt     int64          // milliseconds since the epoch; 0: not measured
	hasSwap      bool
}

// Scraped says that a node was read and which pods have a newer sample now.
type Scraped struct {
	Node string
	At   time.Time // when the node answered
	Pods []series.Key
	// Refused counts pods that were not taken because the store is full.
	Refused int
}

// NewStore returns an empty store for samples that come every resolution.
func NewStore(resolution time.Duration) *Store {
	return &Store{
		resolution: resolution,
		series:     series.New[node, pod](maxPods),
		answers:    sync.Pool{New: func() any { return newAnswer() }},
	}
}

// Subscribe calls f after each successful scrape, in the goroutine that
// scraped: f must be quick and may keep what it gets.
func (s *Store) Subscribe(f func(Scraped)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.listeners = append(s.listeners, f)
}

// Take replaces what is known about the node and its pods by a kubelet's
// /metrics/resource, read to its end and asked for at instant at. An answer
// that ends early, is no such answer or reports its own failure changes nothing.
func (s *Store) Take(name string, at time.Time, body io.Reader) error {
	a, ok := s.answers.Get().(*answer)
	if !ok {
		a = newAnswer()
	}
	defer s.answers.Put(a)
	if err := a.parse(body, at); err != nil {
		return err
	}
	done := s.put(name, at, a)
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, listener := range s.listeners {
		listener(done)
	}
	return nil
}

// Fail notes that the node did not answer at instant at. Its samples are
// served a little longer, then they are missing for this reason.
func (s *Store) Fail(name string, at time.Time, why error) {
	s.series.Mark(name, func(n *node) {
		silent := at.Sub(n.scraped)
		switch {
		case n.scraped.IsZero():
			n.failing = fmt.Sprintf("node %s: %v", name, why)
		case silent > max(patience, 2*s.resolution):
			n.failing = fmt.Sprintf("node %s: %v; its last answer is %s old", name, why, silent.Round(time.Second))
		}
	})
}

// Forget drops the node and its pods.
func (s *Store) Forget(name string) { s.series.Forget(name) }

// Pods returns how many pods are held.
func (s *Store) Pods() int { return s.series.Len() }

// put enters a parsed answer.
func (s *Store) put(name string, at time.Time, a *answer) Scraped {
	out := Scraped{Node: name, At: at, Pods: make([]series.Key, 0, len(a.rows))}
	s.series.Update(name, func(g *series.Group[node, pod]) {
		g.Head.scraped, g.Head.failing = at, ""
		g.Head.take(s.life(0), a.cpu, a.memory, a.swap)
		for i := range a.rows {
			r := &a.rows[i]
			key, p := g.Claim(a.text(r.namespace), a.text(r.pod), r.epoch())
			if p != nil && s.enter(p, r, a, g.Turn) {
				out.Pods = append(out.Pods, key)
			}
		}
		out.Refused = g.Refused
	})
	return out
}

// enter puts a row into its pod and reports whether it is the pod's first news
// of this turn.
func (s *Store) enter(p *pod, r *row, a *answer, turn uint32) bool {
	if p.turn != turn {
		p.forget(p.turn)
		p.turn, p.news = turn, false
	}
	c := p.container(a.text(r.container))
	c.turn = turn
	news := c.take(s.life(r.started.millis()), r.cpu, r.memory, r.swap)
	first := news && !p.news
	p.news = p.news || news
	return first
}

// live returns the containers that the pod's last scrape named.
func (p *pod) live(yield func(*container) bool) {
	for i := range p.containers {
		if c := &p.containers[i]; c.turn == p.turn && !yield(c) {
			return
		}
	}
}

// forget drops containers that the given turn did not name.
func (p *pod) forget(turn uint32) {
	p.containers = slices.DeleteFunc(p.containers, func(c container) bool { return c.turn != turn })
}

// life says how a counter that began at started is to be read. A container that
// is first seen within two scrapes of its start is counted from there.
func (s *Store) life(started int64) series.Life {
	return series.Life{Start: started, Fresh: 2 * s.resolution, MinWindow: s.resolution / 4}
}

// epoch orders the claims of two nodes to one pod name: the later start, or
// where the kubelet knows none, the later sample.
func (r *row) epoch() int64 {
	return cmp.Or(r.started.millis(), r.cpu.at, r.memory.at)
}

// container returns the pod's container of that name, a new one if need be.
func (p *pod) container(name []byte) *container {
	i, found := slices.BinarySearchFunc(p.containers, name, func(c container, name []byte) int {
		switch {
		case c.name == string(name):
			return 0
		case c.name < string(name):
			return -1
		}
		return 1
	})
	if !found {
		p.containers = slices.Insert(p.containers, i, container{name: unique.Make(string(name)).Value()})
	}
	return &p.containers[i]
}

// take enters the figures of one scrape and reports whether the CPU's was news.
// A kubelet that has not measured yet says zero for both: no CPU beside some
// memory is a container that has done nothing.
func (u *usage) take(l series.Life, cpu, memory, swap figure) bool {
	if n, ok := memory.count(1); ok {
		u.memory, u.memoryAt = n, memory.at
	} else {
		u.memoryAt = 0
	}
	u.hasSwap = swap.at > 0 && swap.value >= 0 && swap.value < math.MaxInt64
	if u.hasSwap {
		u.swap = uint64(swap.value)
	}
	n, ok := cpu.count(1e9)
	idle := cpu.at > 0 && cpu.value == 0 && u.memoryAt != 0
	if !ok && !idle {
		return false
	}
	return u.cpu.Add(series.Point{At: cpu.at, Total: n}, l)
}
