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
	if len(seen) != 12 {
		t.Errorf("%d rules, want 12", len(seen))
	}
	if _, err := engine.ParseRule("stabilize"); err == nil || !strings.Contains(err.Error(), "stabilise") {
		t.Errorf("an unknown rule gives %v, want the known ones", err)
	}
}

func TestCasesHaveNames(t *testing.T) {
	seen := map[string]bool{}
	for c := engine.CaseScalingDisabled; c <= engine.CaseTooFew; c++ {
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
