package engine_test

import (
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
)

// A source that speaks by itself may say that there is work and be unable to say how much.
func TestDecide_wakes_for_announced_work_without_a_value(t *testing.T) {
	at := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	p := engine.Policy{
		Min: 0, Max: 10, Activation: engine.Activation{On: true, Cooldown: time.Minute},
		Signals: []engine.Signal{{Name: "push", Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: 5000}}},
	}
	for _, c := range []struct {
		why      string
		activity engine.Activity
		fault    string
		want     int32
	}{
		{"nobody knows", engine.ActivityUnknown, "", 0},
		{"it said so", engine.Active, "", 1},
		{"it said so before it said what it measures", engine.Active, "what it measures is not known yet", 1},
	} {
		p.Signals[0].Fault = c.fault
		d, _ := engine.Decide(p, engine.Observation{
			At: at, Readings: []engine.Reading{{Signal: "push", At: at, Missing: "connection refused", Activity: c.activity}},
		}, engine.History{})
		if d.To != c.want {
			t.Errorf("%s: %d replicas, want %d: %v", c.why, d.To, c.want, d.Steps)
		}
	}
}
