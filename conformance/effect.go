package conformance

import (
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/engine"
)

// wish is the name of the signal of which a decision can be asked for any proposal.
const wish = "wish"

// wishing gives a policy one signal that proposes exactly as many replicas as
// its value says, whatever the size.
func wishing(p engine.Policy) engine.Policy {
	p.Tolerance = engine.Tolerance{}
	p.Signals = []engine.Signal{{
		Name: wish, Label: wish, Kind: engine.External,
		Target: engine.Target{Kind: engine.AverageValue, Value: 1000},
	}}
	return p
}

// decide asks for the decision on a proposal.
func decide(p engine.Policy, h engine.History, size, proposal int32, at time.Time, off []engine.Rule) (engine.Decision, engine.History) {
	return engine.Without(off...)(wishing(p), engine.Observation{
		At:       at,
		Replicas: engine.Replicas{Spec: size, Status: size},
		Readings: []engine.Reading{{Signal: wish, Value: 1000 * float64(proposal), At: at}},
	}, h)
}

// soon is when a history is asked after it was made: nothing of a record
// leaves a window or a period in between.
const soon = time.Millisecond

// sameEffect says whether two histories lead to the same decisions from any of
// the sizes on any of the proposals.
func sameEffect(p engine.Policy, theirs, ours engine.History, sizes []int32) []string {
	theirs.Seen, theirs.Asleep, ours.Seen, ours.Asleep = true, false, true, false
	slices.Sort(sizes)
	sizes = slices.Compact(sizes)
	off := []engine.Rule{engine.RuleAsleep, engine.RuleBounds}
	at := start().Add(soon)
	for _, size := range sizes {
		for _, proposal := range sizes {
			want, _ := decide(p, theirs, size, proposal, at, off)
			got, _ := decide(p, ours, size, proposal, at, off)
			if want.To != got.To {
				return []string{fmt.Sprintf("history: from %d with %d proposed upstream's memory gives %d, ours %d", size, proposal, want.To, got.To)}
			}
		}
	}
	return nil
}
