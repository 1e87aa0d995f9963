package policy_test

import (
	"math"
	"testing"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
)

func TestRead(t *testing.T) {
	yes, no := true, false
	s := engine.Signal{Name: "s0-queue", Kind: engine.External, Activation: 570}
	src := policy.Source{MetricName: "queue", Activation: 0.57}
	for _, c := range []struct {
		why string
		x   trigger.Sample
		r   engine.Reading
	}{
		{"the value in thousandths", trigger.Sample{Value: 5}, engine.Reading{Value: 5000}},
		{"rounded as KEDA rounds", trigger.Sample{Value: 10.0004}, engine.Reading{Value: 10000}},
		{"at the threshold, in spite of binary fractions", trigger.Sample{Value: 0.57}, engine.Reading{Value: 570}},
		{"above it by less than a thousandth", trigger.Sample{Value: 0.5702}, engine.Reading{Value: 570, Activity: engine.Active}},
		{"below it by less than a thousandth", trigger.Sample{Value: 0.5699}, engine.Reading{Value: 570}},
		{"the source decides", trigger.Sample{Value: 0, Active: &yes}, engine.Reading{Activity: engine.Active}},
		{"and denies", trigger.Sample{Value: 9, Active: &no}, engine.Reading{Value: 9000, Activity: engine.Inactive}},
		{"one value of several", trigger.Sample{Parts: []trigger.Part{{Metric: "x", Value: 1}, {Metric: "queue", Value: 2}}}, engine.Reading{Value: 2000}},
		{"none of several", trigger.Sample{Parts: []trigger.Part{{Metric: "x", Value: 1}}}, engine.Reading{Missing: "the source gave no value for queue"}},
	} {
		c.x.At, c.r.At, c.r.Signal = noon(), noon(), "s0-queue"
		if diff := cmp.Diff(c.r, policy.Read(s, src, c.x)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.why, diff)
		}
	}
	if r := policy.Read(s, src, trigger.Sample{Value: math.NaN()}); !math.IsNaN(r.Value) || r.Activity != engine.ActivityUnknown {
		t.Errorf("no number is read as %+v", r)
	}
}

func TestQuantity_is_what_KEDA_shows(t *testing.T) {
	for v, want := range map[float64]string{100.5: "100.500", 1e18: "1E", 42.5: "42.500", 0.0004: "0", -1: "0", math.Inf(1): "0"} {
		q := policy.Quantity(v)
		if got := q.String(); got != want {
			t.Errorf("%v is shown as %s, want %s", v, got, want)
		}
	}
	if q := policy.Quantity(math.NaN()); !q.IsZero() {
		t.Errorf("no number is shown as %s, want 0", q.String())
	}
}

func TestMilliValue(t *testing.T) {
	for v, want := range map[float64]float64{5: 5000, 0.57: 570, 1.1: 1100, 1e15: 1e18, -0.25: -250, 0.0005: 1, 0.0004: 0} {
		if got := policy.MilliValue(v); got != want {
			t.Errorf("%v is %v thousandths, want %v", v, got, want)
		}
	}
	if v := policy.MilliValue(math.Inf(-1)); !math.IsInf(v, -1) {
		t.Errorf("infinity becomes %v", v)
	}
}
