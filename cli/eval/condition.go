package eval

import (
	"fmt"
	"maps"
	"slices"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// conditions are those of a ScaledObject after a decision; nil for an HPA. A
// condition that the decision leaves as it was is not among them.
func conditions(r loop.Record, h engine.History) map[string]engine.Condition {
	if !r.Policy.Activation.On {
		return nil
	}
	out := map[string]engine.Condition{"Ready": r.Decision.TriggersReady()}
	for name, c := range map[string]func() (engine.Condition, bool){
		"Active":   r.Decision.ScalerActive,
		"Paused":   r.Decision.IsPaused,
		"Fallback": func() (engine.Condition, bool) { return engine.FallsBack(r.Policy, h) },
	} {
		if v, ok := c(); ok {
			out[name] = v
		}
	}
	return out
}

func reasons(all map[string]engine.Condition) map[string]string {
	out := make(map[string]string, len(all))
	for name, c := range all {
		out[name] = c.Reason
	}
	return out
}

// unlike says which conditions are others than expected.
func (e *expectation) unlike(have map[string]engine.Condition) []string {
	var out []string
	if e.Active != nil && *e.Active != (have["Active"].Status == engine.StatusTrue) {
		out = append(out, fmt.Sprintf("active: want %t, got %t", *e.Active, !*e.Active))
	}
	for _, name := range slices.Sorted(maps.Keys(e.Conditions)) {
		want := e.Conditions[name]
		switch c, ok := have[name]; {
		case !ok:
			out = append(out, fmt.Sprintf("conditions.%s: want %s, there is none", name, want))
		case want != c.Reason && want != string(c.Status):
			out = append(out, fmt.Sprintf("conditions.%s: want %s, got %s (%s)", name, want, c.Reason, c.Status))
		}
	}
	return out
}
