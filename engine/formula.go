package engine

import (
	"fmt"
	"math"
	"time"
)

// Formula makes one number of several. Package policy implements it; equal
// arguments give equal results.
type Formula interface {
	// Eval computes at an instant. A variable that values do not have is nil; ok
	// is false where the whole is. Values are in units, not in milli-units.
	Eval(at time.Time, values map[string]float64) (result float64, ok bool, err error)
	// String is the formula as the user wrote it.
	String() string
}

// Composite is a signal that is computed from others instead of being read.
type Composite struct {
	// Formula is nil where there is none.
	Formula Formula
	// Signal is the name of the policy's signal whose reading it makes.
	Signal string
	Inputs []Input
}

// Input is a signal that a formula is computed from. Its target is not looked at.
type Input struct {
	// Variable is its name in the formula.
	Variable string
	Signal   Signal
	// Spare says that the formula does not name it.
	Spare bool
}

// Sensors are the signals to be read, in order: those of the policy, with the
// inputs of a formula in the place of what it computes.
func (p *Policy) Sensors() []Signal {
	if p.Composite.Formula == nil {
		return p.Signals
	}
	out := make([]Signal, 0, len(p.Signals)+len(p.Composite.Inputs))
	for s := range p.sensors {
		out = append(out, *s)
	}
	return out
}

func (p *Policy) sensors(yield func(*Signal) bool) {
	c := &p.Composite
	for i := range p.Signals {
		s := &p.Signals[i]
		if c.Formula == nil || s.Name != c.Signal {
			if !yield(s) {
				return
			}
			continue
		}
		for j := range c.Inputs {
			if !yield(&c.Inputs[j].Signal) {
				return
			}
		}
	}
}

// formula computes the composite signal's reading, before anybody asks for it.
func (d *draft) formula() {
	c := &d.policy.Composite
	if c.Formula == nil {
		return
	}
	s := d.signal(c.Signal)
	if s == nil {
		return
	}
	values, missing := make(map[string]float64, len(c.Inputs)), ""
	for i := range c.Inputs {
		in := &c.Inputs[i]
		r, why := d.usable(&in.Signal)
		switch {
		case why == "":
			values[in.Variable] = r.Value / 1000
		case d.fellOut(&in.Signal) && d.policy.Fallback.Behavior != FallbackFormula:
			// As KEDA: one trigger in fallback, and the size to fall back to counts instead of the formula.
			d.fallBack(s, in.Signal.Name, d.lookup(in.Signal.Name))
			return
		case d.fellOut(&in.Signal) || in.Spare:
		case missing == "":
			missing = fmt.Sprintf("%s (%s) has no reading: %s", in.Variable, in.Signal.Name, why)
		}
	}
	r := Reading{Signal: s.Name, At: d.seen.At, Missing: missing}
	r.ReadyPods, r.Listed = d.pods()
	if missing == "" {
		r.Value, r.Missing = d.compute(s, values)
	}
	d.substitute(r)
}

// compute evaluates the formula. What is no measurement is missing with its
// reason, where KEDA passes it on as a number.
func (d *draft) compute(s *Signal, values map[string]float64) (milli float64, missing string) {
	f := d.policy.Composite.Formula
	v, ok, err := f.Eval(d.seen.At, values)
	switch {
	case err != nil:
		return 0, fmt.Sprintf("the formula %s: %v", f, err)
	case !ok && d.policy.Fallback.On:
		n := float64(d.policy.Fallback.Replicas)
		d.computed(s, CaseComputedNil, float64(s.Target.Value)*n, n)
		return float64(s.Target.Value) * n, ""
	case !ok:
		return 0, fmt.Sprintf("the formula %s gives nil and there is no fallback", f)
	}
	milli = math.Trunc(v * 1000)
	if why := unfit(milli); why != "" {
		return 0, fmt.Sprintf("the formula %s: %s", f, why)
	}
	d.computed(s, CaseComputed, milli)
	return milli, ""
}

func (d *draft) computed(s *Signal, c Case, args ...float64) {
	step := Step{Rule: RuleFormula, Case: c, Signal: s.Name, Before: d.from, After: d.from, Note: d.policy.Composite.Formula.String()}
	copy(step.Args[:], args)
	d.step(step)
}

// pods are the most that any input counted: they are the same for all.
func (d *draft) pods() (ready, listed int32) {
	for i := range d.policy.Composite.Inputs {
		if r := d.lookup(d.policy.Composite.Inputs[i].Signal.Name); r != nil {
			ready, listed = max(ready, r.ReadyPods), max(listed, r.Listed)
		}
	}
	return ready, listed
}

func (d *draft) signal(name string) *Signal {
	for i := range d.policy.Signals {
		if d.policy.Signals[i].Name == name {
			return &d.policy.Signals[i]
		}
	}
	return nil
}
