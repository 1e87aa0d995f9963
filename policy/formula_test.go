package policy_test

import (
	"math"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

var _ engine.Formula = (*policy.Formula)(nil)

func noon() time.Time { return time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC) }

func TestFormula_computes_as_KEDA_does(t *testing.T) {
	values := map[string]float64{"a": 2, "b": 5, "c": 10}
	for _, c := range []struct {
		why, formula string
		missing      []string
		want         float64
		none, fails  bool
	}{
		{why: "plain arithmetic", formula: "(a + b) / 2", want: 3.5},
		{why: "a ternary of whole numbers is cast", formula: "a < 3 ? 7 : b", want: 7},
		{why: "functions over lists", formula: "max([a, b, c])", want: 10},
		{why: "a closure", formula: "count([a, b, c], # > 3)", want: 2},
		{why: "a cast that is there already", formula: "float(a) * b", want: 10},
		{why: "let", formula: "let x = a + 1; x * 2", want: 6},
		{why: "a constant", formula: "5", want: 5},
		{why: "negative is the caller's matter", formula: "-a", want: -2},
		{why: "so is infinity", formula: "a / (b - 5)", want: math.Inf(1)},
		{why: "a value that is there", formula: "a ?? 7", want: 2},
		{why: "and one that is not", formula: "a ?? b", missing: []string{"a"}, want: 5},
		{why: "nothing at all", formula: "a ?? b", missing: []string{"a", "b"}, none: true},
		{why: "arithmetic with nothing", formula: "a + b", missing: []string{"b"}, fails: true},
		{why: "the instant is the decision's", formula: "now().Hour() >= 9 ? a : b", want: 2},
		{why: "by the environment", formula: `$env["c"] + a`, want: 12},
	} {
		f, err := policy.CompileFormula(c.formula, []string{"a", "b", "c"})
		if err != nil {
			t.Errorf("%s: %v", c.why, err)
			continue
		}
		given := map[string]float64{}
		for name, v := range values {
			if !strings.Contains(strings.Join(c.missing, ","), name) {
				given[name] = v
			}
		}
		got, ok, err := f.Eval(noon(), given)
		if (err != nil) != c.fails || ok == (c.none || c.fails) || ok && got != c.want {
			t.Errorf("%s: %s is %v, %v, %v, want %v", c.why, c.formula, got, ok, err, c.want)
		}
	}
}

func TestFormula_refuses_what_KEDA_refuses_and_what_takes_long(t *testing.T) {
	for _, c := range []struct{ formula, want string }{
		{"a + d", "unknown name d"},
		{"a % 2", "%"},
		{"a +", "unexpected token"},
		{"nil", "float"},
		{`"x"`, "-1 for each trigger"},
		{"first(filter([a], # > 0))", "-1 for each trigger"},
		{strings.Repeat("a + ", 1100) + "a", "at most 4096"},
		{strings.Repeat("a+", 600) + "a", "node"},
		{"count(1..1000, # > a)", "at most 100"},
		{"sum(1..20, sum(1..20, sum(1..20, # * a)))", "loops"},
	} {
		if _, err := policy.CompileFormula(c.formula, []string{"a"}); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%.40q gives %v, want %q", c.formula, err, c.want)
		}
	}
	f, err := policy.CompileFormula("count(1..int(a * a), # > 3)", []string{"a"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := f.Eval(noon(), map[string]float64{"a": 1e6}); err == nil || !strings.Contains(err.Error(), "memory") {
		t.Errorf("a list of a million millions gives %v, want an error", err)
	}
}

func TestFormula_knows_what_it_uses(t *testing.T) {
	f, err := policy.CompileFormula("a > 3 ? b : 0", []string{"a", "b", "c"})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{"a": f.Uses("a"), "b": f.Uses("b"), "c": f.Uses("c")}
	if diff := cmp.Diff(map[string]bool{"a": true, "b": true, "c": false}, got); diff != "" {
		t.Error(diff)
	}
	if f.String() != "a > 3 ? b : 0" || f.Compiled() != "float(a > 3 ? b : 0)" {
		t.Errorf("it is %s, compiled %s", f, f.Compiled())
	}
}

func TestCompileModifiers(t *testing.T) {
	for _, c := range []struct {
		why  string
		m    v1alpha1.ScalingModifiers
		want engine.Target
		err  string
	}{
		{"an average, if nothing is said", v1alpha1.ScalingModifiers{Formula: "a", Target: "2.5"}, engine.Target{Kind: engine.AverageValue, Value: 2500}, ""},
		{"a whole", v1alpha1.ScalingModifiers{Formula: "a", Target: "2", MetricType: autoscalingv2.ValueMetricType}, engine.Target{Kind: engine.Value, Value: 2000}, ""},
		{"no utilization", v1alpha1.ScalingModifiers{Formula: "a", Target: "2", MetricType: autoscalingv2.UtilizationMetricType}, engine.Target{}, "metricType"},
		{"no formula", v1alpha1.ScalingModifiers{Target: "2"}, engine.Target{}, "formula: must be given"},
		{"no target", v1alpha1.ScalingModifiers{Formula: "a"}, engine.Target{}, "target: must be given"},
		{"a negative target", v1alpha1.ScalingModifiers{Formula: "a", Target: "-1"}, engine.Target{}, `target "-1"`},
		{"a target that is not a number", v1alpha1.ScalingModifiers{Formula: "a", Target: "NaN"}, engine.Target{}, `target "NaN"`},
		{"a threshold that is no number", v1alpha1.ScalingModifiers{Formula: "a", Target: "1", ActivationTarget: "x"}, engine.Target{}, `activationTarget "x"`},
	} {
		m, err := policy.CompileModifiers(c.m, []string{"a"})
		if (err != nil) != (c.err != "") || err != nil && !strings.Contains(err.Error(), c.err) || m.Target != c.want {
			t.Errorf("%s: %+v, %v, want %+v, %q", c.why, m.Target, err, c.want, c.err)
		}
	}
}

func FuzzCompileFormula(f *testing.F) {
	for _, s := range []string{"a + b", "a ?? b", "max([a, b])", "let x = a; x", "now().Unix()", "count([a], # > 1)", "1..5 | sum()", `$env["a"]`, "("} {
		f.Add(s, 1.5)
	}
	f.Fuzz(func(t *testing.T, source string, v float64) {
		p, err := policy.CompileFormula(source, []string{"a", "b"})
		if err != nil {
			return
		}
		x, ok, err := p.Eval(noon(), map[string]float64{"a": v})
		y, again, err2 := p.Eval(noon(), map[string]float64{"a": v})
		if ok != again || (err == nil) != (err2 == nil) || x != y && !(math.IsNaN(x) && math.IsNaN(y)) {
			t.Fatalf("%q gives %v, %v, %v and then %v, %v, %v", source, x, ok, err, y, again, err2)
		}
	})
}
