package engine

import (
	"fmt"
	"math"
	"time"
)

// measure asks every signal for a proposal.
func (d *draft) measure() {
	if len(d.policy.Signals) == 0 {
		return
	}
	d.proposals = make([]Proposal, len(d.policy.Signals))
	for i := range d.policy.Signals {
		s := &d.policy.Signals[i]
		p := d.propose(s)
		p.Signal = s.Name
		d.proposals[i] = p
		if p.Missing != "" {
			d.step(Step{Rule: RuleMeasure, Case: CaseMissing, Signal: s.Name, Before: d.from, After: d.from, Note: p.Missing})
		}
	}
}

func (d *draft) propose(s *Signal) Proposal {
	if s.Fault != "" {
		return Proposal{Missing: s.Fault}
	}
	if s.Target.Value <= 0 {
		return Proposal{Missing: fmt.Sprintf("the target of %s is %d, it must be above 0", s.Name, s.Target.Value)}
	}
	r, missing := d.reading(s.Name)
	if missing != "" {
		return Proposal{Missing: missing}
	}
	if s.Kind == PerPod {
		return d.perPod(s, &r.Usage)
	}
	if missing = unfit(r.Value); missing != "" {
		return Proposal{Missing: missing}
	}
	switch s.Target.Kind {
	case Value:
		return d.value(s, r)
	case AverageValue:
		return d.totalAverage(s, r)
	case Utilization:
		fallthrough
	default:
		return Proposal{Missing: "a value that belongs to no pod has no utilization"}
	}
}

// reading returns the one valid reading of a signal, or why there is none.
func (d *draft) reading(signal string) (r *Reading, missing string) {
	for i := range d.readings {
		if d.readings[i].Signal != signal {
			continue
		}
		if r != nil {
			return nil, "there are two readings of " + signal
		}
		r = &d.readings[i]
	}
	switch {
	case r == nil:
		return nil, signal + " was not read"
	case r.Missing != "":
		return nil, r.Missing
	case d.stale(r):
		return nil, "the reading is stale since " + r.ValidUntil.UTC().Format(time.RFC3339)
	}
	d.wakeAt(r.ValidUntil)
	return r, ""
}

// lookup returns the first reading of a signal, valid or not; nil for none.
func (d *draft) lookup(signal string) *Reading {
	for i := range d.readings {
		if d.readings[i].Signal == signal {
			return &d.readings[i]
		}
	}
	return nil
}

// usable returns the valid reading of a signal that no pod has, and why its
// value is none.
func (d *draft) usable(s *Signal) (r *Reading, missing string) {
	if s.Fault != "" {
		return nil, s.Fault
	}
	if r, missing = d.reading(s.Name); missing != "" {
		return nil, missing
	}
	return r, unfit(r.Value)
}

func (d *draft) stale(r *Reading) bool {
	return !r.ValidUntil.IsZero() && !r.ValidUntil.After(d.seen.At)
}

// unfit says why a number is no measurement.
func unfit(v float64) string {
	switch {
	case math.IsNaN(v):
		return "the value is not a number"
	case math.IsInf(v, 0):
		return "the value is infinite"
	case v < 0:
		return fmt.Sprintf("the value is negative: %s", milli(v))
	default:
		return ""
	}
}
