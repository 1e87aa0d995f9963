package eval

import (
	"fmt"
	"strings"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// expectation is what the user says about the last decision of an observation.
type expectation struct {
	// Replicas is the size decided on.
	Replicas *int32 `json:"replicas"`
	// Within are the least and the most that the size may be.
	Within []int32 `json:"within"`
	// Rule had the last word: it is the last that changed the number.
	Rule string `json:"rule"`
	// Steps are texts of which each is part of some step's sentence.
	Steps []string `json:"steps"`
	// Held says whether failing signals kept the size.
	Held *bool `json:"held"`
	// Active says whether a ScaledObject is active.
	Active *bool `json:"active"`
	// Conditions are reasons by the type, such as Active: ScalerCooldown.
	Conditions map[string]string `json:"conditions"`
}

// check counts an observation's expectations and notes those that do not hold.
func (r *Report) check(o *observation, last loop.Record, h engine.History) {
	e := o.Expect
	if e == nil {
		return
	}
	r.Expectations += e.count()
	for _, why := range append(e.failures(last.Decision), e.unlike(conditions(last, h))...) {
		r.Failures = append(r.Failures, o.where.wrap(fmt.Errorf("expect.%s", why)).Error())
	}
}

func (e *expectation) count() int {
	n := len(e.Steps) + len(e.Conditions)
	for _, given := range []bool{e.Active != nil, e.Replicas != nil, len(e.Within) > 0, e.Rule != "", e.Held != nil} {
		if given {
			n++
		}
	}
	return n
}

func (e *expectation) failures(d engine.Decision) []string {
	var out []string
	note := func(format string, args ...any) { out = append(out, fmt.Sprintf(format, args...)) }
	if e.Replicas != nil && *e.Replicas != d.To {
		note("replicas: want %d, got %d", *e.Replicas, d.To)
	}
	if len(e.Within) == 2 && (d.To < e.Within[0] || d.To > e.Within[1]) {
		note("within: want %d to %d, got %d", e.Within[0], e.Within[1], d.To)
	}
	if word := lastWord(d); e.Rule != "" && e.Rule != word {
		note("rule: want %s, got %s", e.Rule, word)
	}
	for i, s := range e.Steps {
		if !anyStep(d, s) {
			note("steps[%d]: no step says %q", i, s)
		}
	}
	if e.Held != nil && *e.Held != d.Held {
		note("held: want %t, got %t", *e.Held, d.Held)
	}
	return out
}

// lastWord is the rule that changed the number last; if none did, the last
// that spoke beside picking.
func lastWord(d engine.Decision) string {
	changed, spoke := "", "none"
	for _, s := range d.Steps {
		if s.Before != s.After {
			changed = s.Rule.String()
		}
		if s.Rule != engine.RulePick {
			spoke = s.Rule.String()
		}
	}
	if changed != "" {
		return changed
	}
	return spoke
}

func anyStep(d engine.Decision, part string) bool {
	for _, s := range d.Steps {
		if strings.Contains(sentence(s), part) {
			return true
		}
	}
	return false
}

// validate refuses expectations that could not fail.
func (e *expectation) validate() error {
	if e == nil {
		return nil
	}
	if n := len(e.Within); n != 0 && n != 2 {
		return fmt.Errorf("expect.within: %d numbers; write the least and the most, such as [6, 8]", n)
	}
	if len(e.Within) == 2 && e.Within[0] > e.Within[1] {
		return fmt.Errorf("expect.within: %d is more than %d", e.Within[0], e.Within[1])
	}
	if e.Rule != "" {
		if _, err := engine.ParseRule(e.Rule); err != nil {
			return fmt.Errorf("expect.rule: %w", err)
		}
	}
	for i, s := range e.Steps {
		if s == "" {
			return fmt.Errorf("expect.steps[%d]: an empty text is part of every step", i)
		}
	}
	if e.count() == 0 {
		return fmt.Errorf("expect: nothing is expected; write replicas, within, rule, steps, held, active or conditions")
	}
	return nil
}
