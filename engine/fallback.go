package engine

// Fallback is what the user wants of a signal that cannot be read.
type Fallback struct {
	// On says that there is one; without, failures are not even counted.
	On bool
	// Threshold is how many failures in a row are put up with: the one after it falls back.
	Threshold int32
	// Replicas is the size to fall back to, Behavior how it goes together with the current one.
	Replicas int32
	Behavior FallbackBehavior
}

// FallbackBehavior says how the size to fall back to is found.
type FallbackBehavior uint8

// The behaviors of keda.sh/v1alpha1.
const (
	// FallbackStatic is Replicas.
	FallbackStatic FallbackBehavior = iota
	// FallbackCurrent is the size as it is.
	FallbackCurrent
	// FallbackHigher is the larger of the two.
	FallbackHigher
	// FallbackLower is the smaller of the two.
	FallbackLower
	// FallbackFormula gives nil to the formula, which may have its own answer.
	FallbackFormula
)

// toZero says that the user lets a failing signal pass for an inactive one.
func (f Fallback) toZero() bool { return f.On && f.Replicas == 0 }

// replicas is the size to fall back to from a size.
func (f Fallback) replicas(current int32) int32 {
	switch f.Behavior {
	case FallbackCurrent:
		return current
	case FallbackHigher:
		return max(current, f.Replicas)
	case FallbackLower:
		return min(current, f.Replicas)
	case FallbackStatic, FallbackFormula:
		return f.Replicas
	default:
		return f.Replicas
	}
}

// Value is the number, in milli-units, that makes a target ask for the size
// to fall back to. There is none for a Value target while no pod is ready.
func (f Fallback) Value(t Target, current, ready int32) (milli float64, ok bool) {
	replicas := float64(f.replicas(current))
	if t.Kind == Value {
		if ready <= 0 {
			return 0, false
		}
		replicas /= float64(ready)
	}
	return float64(whole(float64(t.Value) * replicas)), true
}

// fallback counts failures and puts the user's number in place of a reading
// that failed too often. Inputs of a formula are left to the formula.
func (d *draft) fallback() {
	if !d.policy.Fallback.On {
		d.next.Failures = nil
		return
	}
	d.countFailures()
	for i := range d.policy.Signals {
		s := &d.policy.Signals[i]
		if d.fellOut(s) && d.policy.Fallback.Behavior != FallbackFormula && s.Fault == "" {
			d.fallBack(s, s.Name, d.lookup(s.Name))
		}
	}
}

// fellOut says that a signal failed more often than the user puts up with.
func (d *draft) fellOut(s *Signal) bool {
	f := d.policy.Fallback
	return f.On && s.Kind != PerPod && d.next.FailuresOf(s.Name) > f.Threshold
}

// fallBack replaces the reading of s by the number that asks for the size to
// fall back to, because of a failed reading; it counts as active.
func (d *draft) fallBack(s *Signal, failed string, r *Reading) {
	if r == nil {
		r = &Reading{}
	}
	f, step := d.policy.Fallback, Step{Rule: RuleFallback, Signal: s.Name, Before: d.from, After: d.from, Note: r.Missing}
	step.Args = [4]float64{float64(d.next.FailuresOf(failed)), float64(f.Threshold), float64(f.replicas(d.from))}
	v, ok := f.Value(s.Target, d.from, r.ReadyPods)
	if !ok {
		step.Case = CaseNoFallback
		d.step(step)
		return
	}
	step.Case, step.Args[3] = CaseFallback, v
	d.step(step)
	d.substitute(Reading{Signal: s.Name, Value: v, Activity: Active, At: d.seen.At, ReadyPods: r.ReadyPods, Listed: r.Listed})
}

// substitute puts a reading in the place of the one of the same signal. The
// observation stays as it is.
func (d *draft) substitute(r Reading) {
	kept := make([]Reading, 0, len(d.readings)+1)
	for i := range d.readings {
		if d.readings[i].Signal != r.Signal {
			kept = append(kept, d.readings[i])
		}
	}
	d.readings = append(kept, r)
}
