package engine

import (
	"fmt"
	"slices"
)

// Activity says whether a signal has work for the workload.
type Activity uint8

// What is known of a signal's activity.
const (
	// ActivityUnknown leaves it to the value in a reading; in a decision, nobody knows.
	ActivityUnknown Activity = iota
	// Active: there is work.
	Active
	// Inactive: there is none.
	Inactive
)

func (Activity) names() [Inactive + 1]string {
	return [...]string{ActivityUnknown: "unknown", Active: "active", Inactive: "inactive"}
}

// String returns active, inactive or unknown.
func (a Activity) String() string {
	if a > Inactive {
		return fmt.Sprintf("activity(%d)", uint8(a))
	}
	return a.names()[a]
}

// MarshalText writes active, inactive or unknown.
func (a Activity) MarshalText() ([]byte, error) { return []byte(a.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (a *Activity) UnmarshalText(name []byte) error {
	for i, n := range a.names() {
		if n == string(name) {
			*a = Activity(i)
			return nil
		}
	}
	return fmt.Errorf("activity %q is unknown: want one of %v", name, a.names())
}

// SignalActivity is whether one signal is active.
type SignalActivity struct {
	Signal   string   `json:"signal"`
	Activity Activity `json:"activity"`
}

// askActivity asks every signal that can be active and says what came of it.
// Signals that are measured in the pods cannot: without pods they are silent.
func (d *draft) askActivity() (active, unsure bool) {
	state, lead := Step{Rule: RuleActivate, Case: CaseAlwaysActive, Before: d.from, After: d.from}, 0
	d.activity = make([]SignalActivity, 0, len(d.policy.Signals))
	for i := range d.policy.Signals {
		s := &d.policy.Signals[i]
		if s.Kind == PerPod {
			continue
		}
		is, args, why := d.activityOf(s)
		d.activity = append(d.activity, SignalActivity{s.Name, is})
		active, unsure = active || is == Active, unsure || is == ActivityUnknown
		if n := is.weight(); n > lead {
			lead = n
			state.Case, state.Signal, state.Args, state.Note = d.stateOf(is), s.Name, args, why
		}
	}
	active = active || lead == 0
	if d.policy.Activation.Forced {
		state = Step{Rule: RuleActivate, Case: CaseForced, Before: d.from, After: d.from}
	}
	state.Args[3] = float64(len(d.activity))
	d.step(state)
	return active, unsure
}

// weight says whose activity is told: the first active one's, else the first unknown one's.
func (a Activity) weight() int {
	switch a {
	case Active:
		return 3
	case ActivityUnknown:
		return 2
	case Inactive:
		return 1
	default:
		return 0
	}
}

func (d *draft) stateOf(a Activity) Case {
	switch {
	case a == Active:
		return CaseActive
	case a == Inactive:
		return CaseInactive
	case d.policy.Fallback.On:
		return CaseAwaitsFallback
	default:
		return CaseUnsure
	}
}

// The deciders of an activity, where it is not the threshold.
const (
	theSource   = 1
	theFallback = 2
)

func (d *draft) decider(s *Signal) float64 {
	for i := range d.steps {
		if d.steps[i].Case == CaseFallback && d.steps[i].Signal == s.Name {
			return theFallback
		}
	}
	return theSource
}

// activityOf says whether a signal has work, with its value, the threshold and
// who decided; or why nobody knows.
func (d *draft) activityOf(s *Signal) (is Activity, args [4]float64, why string) {
	r, missing := d.usable(s)
	switch {
	case r != nil && r.Activity != ActivityUnknown:
		return r.Activity, [4]float64{finite(r.Value), float64(s.Activation), d.decider(s)}, ""
	case d.announced(s):
		return Active, [4]float64{0, float64(s.Activation), theSource}, ""
	case missing != "":
		return ActivityUnknown, args, missing
	case r.Value > float64(s.Activation):
		is = Active
	default:
		is = Inactive
	}
	return is, [4]float64{r.Value, float64(s.Activation)}, ""
}

// announced tells that the source has said by itself that there is work, though it could not be asked how much.
func (d *draft) announced(s *Signal) bool {
	return slices.ContainsFunc(d.readings, func(r Reading) bool {
		return r.Signal == s.Name && r.Missing != "" && r.Activity == Active
	})
}
