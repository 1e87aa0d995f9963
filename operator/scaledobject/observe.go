package scaledobject

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/policy"
)

// eye sees one object's workload and what its triggers read. It is the loop.Observer.
type eye struct {
	ports    *Ports
	target   kube.Target
	sources  []policy.Source // of the policy's sensors, in order
	triggers triggers

	scale    kube.Scale // as last seen by Size
	workload measure.Workload
}

// Size implements loop.Observer.
func (e *eye) Size(ctx context.Context) (engine.Replicas, error) {
	s, err := e.ports.Scales.Get(ctx, e.target)
	if err != nil {
		return engine.Replicas{}, err
	}
	e.scale = s
	return s.Replicas, nil
}

// Read implements loop.Observer. A trigger that cannot be read leaves the others alone.
func (e *eye) Read(ctx context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error) {
	e.workload.Settle()
	sensors := p.Sensors()
	var unseen error // why the pods cannot be told
	if needsPods(&p, sensors) {
		if unseen = e.workload.Choose(e.scale.Selector); unseen == nil {
			e.workload.Look()
		}
	}
	readings := make([]engine.Reading, len(sensors))
	for i := range sensors {
		s, src := &sensors[i], &e.sources[i]
		switch {
		case s.Kind == engine.PerPod && s.Fault != "":
			readings[i] = policy.Unread(*s, time.Time{}, s.Fault) // no attempt: none to count
		case s.Kind == engine.PerPod && unseen != nil:
			readings[i] = policy.Unread(*s, at, unseen.Error())
		case s.Kind == engine.PerPod:
			readings[i] = e.measured(ctx, at, s, src, p.Grace)
		default:
			readings[i] = e.read(s, src)
		}
		if unseen == nil {
			readings[i].ReadyPods, readings[i].Listed = e.workload.Ready(), e.workload.Listed()
		}
	}
	return readings, nil
}

// needsPods says that a decision looks at pods: for cpu and memory, and for
// Value targets, which count those that are ready.
func needsPods(p *engine.Policy, sensors []engine.Signal) bool {
	for i := range p.Signals {
		if p.Signals[i].Target.Kind == engine.Value {
			return true
		}
	}
	for i := range sensors {
		if sensors[i].Kind == engine.PerPod {
			return true
		}
	}
	return false
}

// measured is what the pods use of a resource.
func (e *eye) measured(ctx context.Context, at time.Time, s *engine.Signal, src *policy.Source, g engine.Grace) engine.Reading {
	r := engine.Reading{Signal: s.Name, At: at}
	if err := e.workload.Measure(ctx, at, src); err != nil {
		r.Missing = fmt.Sprintf("unable to get metrics for resource %s: %v", src.Resource, err)
		return r
	}
	r.Usage = e.workload.Group(at, s, src, g)
	return r
}

// read is what a trigger gave last. What it has pushed since the last decision
// is work, even where the value cannot be read: KEDA activates on it too.
func (e *eye) read(s *engine.Signal, src *policy.Source) engine.Reading {
	h := &e.triggers.all[src.Trigger]
	if h.lease == nil {
		return policy.Unread(*s, time.Time{}, cmp.Or(s.Fault, h.Fault))
	}
	last := h.lease.Last()
	r := e.valueOf(s, src, h.every, &last)
	if h.news(&last) {
		r.Activity = engine.Active
	}
	h.heard = last.Pushed
	return r
}

// valueOf is what a trigger measured last.
func (e *eye) valueOf(s *engine.Signal, src *policy.Source, every time.Duration, last *pool.Reading) engine.Reading {
	switch {
	case s.Fault != "":
		return policy.Unread(*s, time.Time{}, s.Fault) // no attempt: none to count
	case last.Attempted.IsZero():
		return policy.Unread(*s, time.Time{}, "it was not read yet")
	case last.Err != nil:
		return policy.Unread(*s, last.Attempted, last.Err.Error())
	}
	r := policy.Read(*s, *src, last.Sample)
	r.At, r.ValidUntil = last.Attempted, last.Attempted.Add(validFor(every))
	e.workload.Expect(r.ValidUntil)
	return r
}

// settle notes that every push that was read has been answered. One that came
// later is the next decision's.
func (e *eye) settle() {
	for i := range e.triggers.all {
		if h := &e.triggers.all[i]; h.heard.After(h.pushed) {
			h.pushed = h.heard
		}
	}
}

// staleAfter is the least age at which a sample is too old.
const staleAfter = 30 * time.Second

// validFor is how long a sample of a trigger may speak: for two intervals.
func validFor(every time.Duration) time.Duration { return max(staleAfter, 2*every) }
