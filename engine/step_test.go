package engine_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/furl-dev/furl/engine"
)

func TestRulesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for _, r := range engine.Rules() {
		back, err := engine.ParseRule(r.String())
		if err != nil || back != r {
			t.Errorf("%v is parsed as %v, %v", r, back, err)
		}
		if seen[r.String()] || strings.Contains(r.String(), "(") {
			t.Errorf("%v is no name of its own", r)
		}
		seen[r.String()] = true
	}
	if len(seen) != 16 {
		t.Errorf("%d rules, want 16", len(seen))
	}
	if _, err := engine.ParseRule("stabilize"); err == nil || !strings.Contains(err.Error(), "stabilise") {
		t.Errorf("an unknown rule gives %v, want the known ones", err)
	}
}

func TestCasesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for c := engine.CaseScalingDisabled; c <= engine.CaseLeft; c++ {
		name, err := c.MarshalText()
		var back engine.Case
		if err != nil || back.UnmarshalText(name) != nil || back != c {
			t.Errorf("%v is read back as %v", c, back)
		}
		if seen[string(name)] || len(name) == 0 {
			t.Errorf("%q is no name of its own", name)
		}
		seen[string(name)] = true
	}
	var c engine.Case
	if err := json.Unmarshal([]byte(`"case(99)"`), &c); err == nil {
		t.Error("an unknown case is read without complaint")
	}
}

func TestVerdicts(t *testing.T) {
	d := engine.Decision{Proposals: []engine.Proposal{{Signal: "a"}, {Signal: "b", Missing: "x"}, {Signal: "c", Missing: "y"}}}
	if n, first := d.Invalid(); n != 2 || first != 1 {
		t.Errorf("%d invalid from %d on, want 2 from 1 on", n, first)
	}
	if got, want := d.InvalidMetrics("x"), "invalid metrics (2 invalid out of 3), first error is: x"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got, want := engine.Uncomputed("x"), "the HPA was unable to compute the replica count: x"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if v := engine.ScaledToZero(engine.History{Asleep: true}); !v.True || v.Reason != "ScaledToZero" {
		t.Errorf("%+v while asleep", v)
	}
	if v := engine.ScaledToZero(engine.History{}); v.True || v.Reason != "NotScaledToZero" {
		t.Errorf("%+v while awake", v)
	}
	none := engine.Decision{}
	_, able := none.AbleToScale()
	_, limited := none.ScalingLimited()
	_, active := none.ScalingActive()
	if able || limited || active || none.Reason() != "" {
		t.Error("a decision without steps has something to say")
	}
}

func TestLastSaysSomething(t *testing.T) {
	measured := func(signal string, n int32, percent float64) engine.Step {
		return engine.Step{Rule: engine.RuleMeasure, Case: engine.CaseUtilization, Signal: signal, Before: 2, After: n, Args: [4]float64{percent, 50, 2}}
	}
	missing := engine.Step{Rule: engine.RuleMeasure, Case: engine.CaseMissing, Signal: "queue", Before: 2, After: 2, Note: "connection refused"}
	within := engine.Step{Rule: engine.RuleTolerance, Case: engine.CaseWithin, Signal: "cpu", Before: 3, After: 2, Args: [4]float64{1.04, .1, .1}}
	pick := func(n float64) engine.Step {
		return engine.Step{Rule: engine.RulePick, Case: engine.CaseLargest, Signal: "cpu", Before: 2, After: 7, Args: [4]float64{n}, Note: "cpu"}
	}
	clamp := engine.Step{Rule: engine.RuleClamp, Case: engine.CaseTooMany, Before: 7, After: 5, Args: [4]float64{5}}
	for _, c := range []struct {
		why   string
		steps []engine.Step
		want  string
	}{
		{"a pick of one out of one", []engine.Step{measured("cpu", 7, 152), pick(1)}, "measure cpu: 7, 152% of the requests over a target of 50% on 2 ready pods"},
		{"the others are missing", []engine.Step{measured("cpu", 7, 152), missing, pick(1)}, "measure cpu: 7, 152% of the requests over a target of 50% on 2 ready pods"},
		{"tolerance made the proposal what it is", []engine.Step{measured("cpu", 3, 52), within, pick(1)}, "tolerance cpu: 2, ratio 1.04 is within the tolerance, 0.9 to 1.1"},
		{"a pick out of two", []engine.Step{measured("cpu", 7, 152), measured("memory", 3, 70), pick(2)}, "pick cpu: 7, the largest of 2 proposals, from cpu"},
		{"a later rule", []engine.Step{measured("cpu", 7, 152), pick(1), clamp}, "clamp: 5, 7 is more than the maximum of 5"},
		{"a pick alone, as no engine makes it", []engine.Step{pick(1)}, "pick cpu: 7, the only proposal, from cpu"},
	} {
		if last, ok := (engine.Decision{Steps: c.steps}).Last(); !ok || last.String() != c.want {
			t.Errorf("%s: %q, want %q", c.why, last, c.want)
		}
	}
	if _, ok := (engine.Decision{}).Last(); ok {
		t.Error("a decision without steps has a last one")
	}
}
