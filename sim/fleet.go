package sim

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// pod is one pod and what was measured of it.
type pod struct {
	number  int
	name    string
	created time.Duration
	ready   bool
	since   time.Duration // of its readiness, or of its creation before that
	cpu     float64       // used since its creation, in milli-units of a core times seconds

	last     float64 // cpu at the last scrape
	scraped  bool
	lastAt   time.Duration
	waiting  []sample // measured and not yet there, oldest first
	measured sample
	has      bool
}

type sample struct {
	at     time.Duration
	value  int64 // in milli-units of a core
	window time.Duration
}

// measure scrapes the pod's counter. Usage is the rate between two scrapes; one scrape alone gives none.
func (p *pod) measure(at time.Duration) {
	if window := at - p.lastAt; p.scraped && window > 0 {
		value := (p.cpu - p.last) / window.Seconds()
		p.waiting = append(p.waiting, sample{at, int64(value + 0.5), window})
	}
	p.last, p.lastAt, p.scraped = p.cpu, at, true
}

// fleet is the pods of the workload, oldest first.
type fleet struct {
	spec int32
	next int
	pods []*pod
}

func (f *fleet) create(at time.Duration) *pod {
	p := &pod{number: f.next, name: fmt.Sprintf("pod-%06d", f.next), created: at, since: at}
	f.next++
	f.pods = append(f.pods, p)
	return p
}

func (f *fleet) ready() int {
	n := 0
	for _, p := range f.pods {
		if p.ready {
			n++
		}
	}
	return n
}

// makeReady says false for a pod that is gone.
func (f *fleet) makeReady(number int, at time.Duration) bool {
	for _, p := range f.pods {
		if p.number == number {
			p.ready, p.since = true, at
			return true
		}
	}
	return false
}

// remove takes pods away as a ReplicaSet does: first those that are not ready, then the youngest.
func (f *fleet) remove(n int) {
	for range n {
		victim := len(f.pods) - 1
		for i, p := range slices.Backward(f.pods) {
			if !p.ready {
				victim = i
				break
			}
		}
		f.pods = slices.Delete(f.pods, victim, victim+1)
	}
}

// deliver makes known what was measured up to an instant.
func (f *fleet) deliver(upTo time.Duration) {
	for _, p := range f.pods {
		for len(p.waiting) > 0 && p.waiting[0].at <= upTo {
			p.measured, p.has = p.waiting[0], true
			p.waiting = slices.Delete(p.waiting, 0, 1) // in place: there are one or two
		}
	}
}

// Size implements loop.Observer.
func (w *world) Size(context.Context) (engine.Replicas, error) {
	return engine.Replicas{Spec: w.fleet.spec, Status: int32(len(w.fleet.pods))}, nil //nolint:gosec // as many as spec was
}

// freshFor is how long a sample counts: twice the scrape interval, and half a minute at least.
func (w *world) freshFor() time.Duration { return max(2*w.Metrics.Every, 30*time.Second) }

// Read implements loop.Observer.
func (w *world) Read(_ context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error) {
	w.grouped = w.grouped[:0]
	var newest time.Duration
	for _, p := range w.fleet.pods {
		ep := engine.Pod{
			Name: p.name, Phase: engine.Running, Readiness: engine.NotReady, ReadySince: w.instant(p.since),
			Started: w.instant(p.created), Begun: true, Request: w.Service.Request,
		}
		if p.ready {
			ep.Readiness = engine.Ready
		}
		if p.has && w.now-p.measured.at <= w.freshFor() {
			ep.Measured, ep.Value, ep.At, ep.Window = true, p.measured.value, w.instant(p.measured.at), p.measured.window
			newest = max(newest, p.measured.at)
		}
		w.grouped = append(w.grouped, ep)
	}
	r := engine.Reading{
		Signal: w.signal.Name, Usage: engine.Group(w.grouped, at, w.signal, p.Grace),
		At: w.instant(newest), ValidUntil: w.instant(newest + w.freshFor()),
	}
	return []engine.Reading{r}, nil
}

// Scale implements loop.Actuator.
func (w *world) Scale(_ context.Context, from, to int32) error {
	if w.fleet.spec != from {
		return loop.ErrMoved
	}
	w.fleet.spec = to
	if surplus := len(w.fleet.pods) - int(to); surplus > 0 {
		w.fleet.remove(surplus)
	}
	for len(w.fleet.pods) < int(to) {
		p := w.fleet.create(w.now)
		w.events.push(event{at: w.now + w.Cluster.Ready, kind: readiness, number: p.number})
	}
	return nil
}
