package engine

import (
	"math"
	"time"
)

// Decide returns the decision for one observation, and the history to pass to
// the next call. It modifies none of its arguments, never fails and never
// panics: what is wrong with them is a step of the decision.
func Decide(p Policy, o Observation, h History) (Decision, History) { return decide(p, o, h, 0) }

// Without returns a [Decide] in which the given rules do not speak, for
// questions such as "what without stabilization?".
func Without(rules ...Rule) func(Policy, Observation, History) (Decision, History) {
	var off ruleSet
	for _, r := range rules {
		off |= 1 << r
	}
	return func(p Policy, o Observation, h History) (Decision, History) { return decide(p, o, h, off) }
}

// NeedsReadings says whether a decision depends on readings at all: not while
// scaling is off or paused, and not while the size is outside an HPA's bounds.
func NeedsReadings(p Policy, r Replicas, h History) bool {
	switch {
	case p.Pause.On:
		return false
	case p.Activation.On:
		return true
	}
	d := newDraft(&p, &Observation{Replicas: r}, h, 0)
	return !d.sleeps() && !d.outside()
}

type ruleSet uint32

func upstreamRules() (all ruleSet) {
	for r := RuleAsleep; r <= lastRule; r++ {
		all |= 1 << r
	}
	return all
}

// draft is a decision in the making.
type draft struct {
	policy   *Policy
	seen     *Observation
	readings []Reading // those seen, with what is put in their place
	past     History   // with the size at first sight
	next     History
	min, max int32 // the bounds, put right where the policy's are not
	off      ruleSet

	from      int32 // the size that the rules work from
	replicas  int32 // what the rules so far make of it
	proposals []Proposal
	activity  []SignalActivity
	steps     []Step
	held      bool
	done      bool      // no later rule speaks
	settled   bool      // what is wanted is known without measuring
	woken     bool      // from is the size that a workload at rest wakes to
	wake      time.Time // see next.go
}

func newDraft(p *Policy, o *Observation, h History, off ruleSet) *draft {
	d := &draft{policy: p, seen: o, readings: o.Readings, past: h, off: off}
	d.min = max(p.Min, 0)
	d.max = max(p.Max, d.min)
	d.from = max(o.Replicas.Spec, 0)
	d.replicas = d.from
	return d
}

func decide(p Policy, o Observation, h History, off ruleSet) (Decision, History) {
	d := newDraft(&p, &o, h, off)
	if p.Activation.Only { // what somebody else wants is no recommendation of Furl's
		d.past.Seen, d.past.Low, d.past.High = false, nil, nil
		d.off |= upstreamRules()
	} else if !h.Seen {
		// A workload is not shrunk below the size it had at first sight before a whole window has passed.
		d.past = remember(&p, h, Want{At: o.At, Replicas: d.from})
		d.past.Seen = true
	}
	d.next = d.past
	for _, r := range [...]struct {
		rule  Rule
		speak func(*draft)
	}{
		{RulePause, (*draft).pause},         // first: the user said hands off
		{RuleFallback, (*draft).fallback},   // before anybody looks at a reading: it may put another in its place
		{RuleFormula, (*draft).formula},     // makes the one reading that the others are for
		{RuleActivate, (*draft).activate},   // before all that works from the size: it may give another to work from
		{RuleAsleep, (*draft).asleep},       // zero means that somebody switched an HPA off, bounds or not
		{RuleBounds, (*draft).bounds},       // before measuring: bounds need no data, and no patience
		{RuleMeasure, (*draft).measure},     // with fill and tolerance, signal by signal
		{RuleHold, (*draft).hold},           // before picking: a failing signal vetoes what the others would shrink
		{RulePick, (*draft).pick},           // one number from here on
		{RuleStabilise, (*draft).stabilise}, // before the limits, as upstream: history holds what was wanted, not what was allowed
		{RuleRate, (*draft).rate},           // with behavior
		{RuleBurst, (*draft).burst},         // without
		{RuleClamp, (*draft).clamp},         // after the limits: min and max win
		{RuleFloor, (*draft).floor},         // last: a limit must not keep a woken workload below its minimum
	} {
		if !d.done && !d.without(r.rule) && (!d.settled || !r.rule.asks()) {
			r.speak(d)
		}
	}
	return Decision{
		At: o.At, From: o.Replicas.Spec, To: d.to(),
		Next: d.due(), Steps: d.steps, Proposals: d.proposals, Activity: d.activity, Held: d.held,
	}, d.next
}

// to is the answer; an impossible size from outside is left alone by rules that say nothing.
func (d *draft) to() int32 {
	if d.replicas == max(d.seen.Replicas.Spec, 0) {
		return d.seen.Replicas.Spec
	}
	return d.replicas
}

func (d *draft) without(r Rule) bool { return d.off&(1<<r) != 0 }

// hasBehavior says that the user gave limits of their own; without, upstream
// has another algorithm.
func (p *Policy) hasBehavior() bool { return p.Burst == Burst{} }

// step notes what a rule makes of the size. Args must be finite.
func (d *draft) step(s Step) {
	if d.steps == nil {
		d.steps = make([]Step, 0, len(d.policy.Signals)+4)
	}
	d.steps = append(d.steps, s)
}

// set moves the size and notes why.
func (d *draft) set(r Rule, c Case, n int32, args ...float64) {
	s := Step{Rule: r, Case: c, Before: d.replicas, After: n}
	copy(s.Args[:], args)
	d.step(s)
	d.replicas = n
}

// finite keeps numbers that a record can hold.
func finite(f float64) float64 {
	if math.IsNaN(f) {
		return 0
	}
	return min(max(f, -math.MaxFloat64), math.MaxFloat64)
}
