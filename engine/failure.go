package engine

import (
	"math"
	"time"
)

// Failure counts how often a signal could not be read, one attempt after the other.
type Failure struct {
	Signal string `json:"signal"`
	InARow int32  `json:"inARow"`
	// At is the attempt counted last: a failed reading that is seen by several
	// decisions counts once.
	At time.Time `json:"at,omitzero"`
}

// countFailures brings the counters up to date: an attempt that failed counts,
// one that succeeded starts again at nothing, a signal that is gone is forgotten.
func (d *draft) countFailures() {
	var is []Failure
	for s := range d.policy.sensors {
		if s.Kind == PerPod {
			continue
		}
		if f := d.failureOf(s.Name).after(d.lookup(s.Name)); f.InARow > 0 {
			is = append(is, f)
		}
	}
	d.next.Failures = is
}

// failureOf is what earlier decisions counted.
func (d *draft) failureOf(signal string) Failure {
	for _, f := range d.past.Failures {
		if f.Signal == signal {
			return f
		}
	}
	return Failure{Signal: signal}
}

// after counts one reading; nil is none.
func (f Failure) after(r *Reading) Failure {
	switch {
	case r == nil:
		return f
	case r.Missing == "" && unfit(r.Value) == "":
		return Failure{Signal: f.Signal}
	case r.At.IsZero() || !r.At.After(f.At):
		return f
	}
	f.At = r.At
	if f.InARow < math.MaxInt32 {
		f.InARow++
	}
	return f
}

// FailuresOf is how often a signal failed in a row up to this history.
func (h History) FailuresOf(signal string) int32 {
	for _, f := range h.Failures {
		if f.Signal == signal {
			return f.InARow
		}
	}
	return 0
}
