package record_test

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// sum is the formula a + b.
type sum struct{}

func (sum) String() string { return "a + b" }

func (sum) Eval(_ time.Time, values map[string]float64) (float64, bool, error) {
	return values["a"] + values["b"], true, nil
}

// object is a record of an object with all that an HPA does not have.
func object() record.Record {
	outside := func(name string) engine.Signal { return engine.Signal{Name: name, Kind: engine.External} }
	composite := outside("composite-metric")
	composite.Target, composite.Activation = engine.Target{Kind: engine.AverageValue, Value: 2000}, 500
	p := engine.Policy{
		Max: 10, Signals: []engine.Signal{composite},
		Activation: engine.Activation{On: true, Cooldown: time.Minute, InitialCooldown: time.Hour, Created: epoch()},
		Fallback:   engine.Fallback{On: true, Threshold: 3, Replicas: 6, Behavior: engine.FallbackHigher},
		Composite: engine.Composite{Formula: sum{}, Signal: "composite-metric", Inputs: []engine.Input{
			{Variable: "a", Signal: outside("s0-queue")}, {Variable: "b", Signal: outside("s1-topic")},
		}},
	}
	at := epoch().Add(time.Minute)
	o := engine.Observation{At: at, Readings: []engine.Reading{
		{Signal: "s0-queue", Value: 3000, At: at}, {Signal: "s1-topic", Value: 4000, At: at, Activity: engine.Active},
	}}
	h := engine.Resumed(at, engine.Known{Failures: []engine.Failure{{Signal: "s0-queue", InARow: 2}}})
	d, _ := engine.Decide(p, o, h)
	return record.Record{
		Workload: record.Workload{Namespace: "shop", Kind: "so", Name: "web"},
		Record:   loop.Record{At: at, Policy: p, Seen: o, Past: h, Decision: d, Outcome: loop.Scaled},
	}
}

func TestReplay_of_a_formula_needs_it_compiled(t *testing.T) {
	var file bytes.Buffer
	want := object()
	if want.Decision.To != 4 {
		t.Fatalf("0 becomes %d, want 4 for 7 over 2: %v", want.Decision.To, want.Decision.Steps)
	}
	if err := record.Export(&file, want); err != nil {
		t.Fatal(err)
	}
	back, err := record.Import(&file)
	if err != nil {
		t.Fatal(err)
	}
	r := back[0]
	if _, err := record.Replay(r); err == nil {
		t.Error("the text of a formula computes")
	}
	err = r.Compile(func(text string, variables []string) (engine.Formula, error) {
		if diff := cmp.Diff([]string{"a + b", "a", "b"}, append([]string{text}, variables...)); diff != "" {
			t.Errorf("compile is given (-want +got):\n%s", diff)
		}
		return sum{}, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := record.Replay(r)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want.Decision, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("another decision (-was +got):\n%s", diff)
	}
}

func TestCompile_says_whose_formula_it_is(t *testing.T) {
	r, bad := object(), errors.New("unknown name c")
	if err := r.Compile(func(string, []string) (engine.Formula, error) { return nil, bad }); !errors.Is(err, bad) {
		t.Errorf("Compile: %v, want the reason", err)
	}
	r.Policy.Composite = engine.Composite{}
	if err := r.Compile(nil); err != nil {
		t.Errorf("Compile without a formula: %v", err)
	}
}
