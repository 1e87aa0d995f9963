package engine_test

import (
	"math"
	"slices"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
)

// open is a policy that stands in nobody's way: its answer is the proposal.
func open(s engine.Signal) engine.Policy {
	s.Name = "s"
	return engine.Policy{Min: 0, Max: math.MaxInt32, Signals: []engine.Signal{s}}
}

func perPod(kind engine.TargetKind, target int64) engine.Signal {
	return engine.Signal{Kind: engine.PerPod, Target: engine.Target{Kind: kind, Value: target}}
}

func outside(kind engine.TargetKind, target int64) engine.Signal {
	return engine.Signal{Kind: engine.External, Target: engine.Target{Kind: kind, Value: target}}
}

func using(n int, value, request int64) []engine.Pod {
	return slices.Repeat([]engine.Pod{{Measured: true, Value: value, Request: request}}, n)
}

// TestUpstreamFacts holds what running Kubernetes 1.37.2 on hand-made inputs showed.
func TestUpstreamFacts(t *testing.T) {
	for _, c := range []struct {
		why    string
		signal engine.Signal
		spec   int32
		pods   []engine.Pod
		value  float64
		want   int32
	}{
		{
			why:    "the first look multiplies by the ready pods, so pods that do not exist yet pull an over-target workload down",
			signal: perPod(engine.Utilization, 100), spec: 10, pods: using(3, 120, 100), want: 4,
		},
		{
			why:    "and surplus pods pull an under-target workload up",
			signal: perPod(engine.Utilization, 100), spec: 1, pods: using(3, 50, 100), want: 2,
		},
		{
			why:    "a measurement of an unknown pod stays in a plain average",
			signal: perPod(engine.AverageValue, 100), spec: 3, want: 9,
			pods: append(using(3, 100, 0), engine.Pod{Stray: true, Measured: true, Value: 900}),
		},
		{
			why:    "a percentage is truncated before it is compared: 199 of 200 on a target of 99 is on target",
			signal: perPod(engine.Utilization, 99), spec: 1, pods: using(1, 199, 200), want: 1,
		},
		{
			why:    "an average is truncated to a milli-unit",
			signal: perPod(engine.AverageValue, 3), spec: 3, want: 3,
			pods: append(using(2, 3, 0), engine.Pod{Measured: true, Value: 5}),
		},
		{
			why:    "a share rounds up",
			signal: outside(engine.AverageValue, 1000), spec: 1, value: 2001, want: 3,
		},
	} {
		p := open(c.signal)
		o := engine.Observation{At: midnight, Replicas: engine.Replicas{Spec: c.spec, Status: c.spec}}
		r := engine.Reading{Signal: "s", Value: c.value}
		r.Usage = engine.Group(c.pods, midnight, p.Signals[0], p.Grace)
		o.Readings = []engine.Reading{r}
		if d, _ := engine.Decide(p, o, engine.History{}); d.To != c.want {
			t.Errorf("%s: %d becomes %d, want %d: %v", c.why, c.spec, d.To, c.want, d.Steps)
		}
	}
}

// TestDivergences holds each row of docs/compatibility.md that is the engine's:
// what is done instead of a bug of upstream.
func TestDivergences(t *testing.T) {
	decide := func(s engine.Signal, size engine.Replicas, r engine.Reading) engine.Decision {
		r.Signal = "s"
		d, _ := engine.Decide(open(s), engine.Observation{At: midnight, Replicas: size, Readings: []engine.Reading{r}}, engine.History{})
		return d
	}
	three := engine.Replicas{Spec: 3, Status: 3}
	group := func(s engine.Signal, pods []engine.Pod) engine.Reading {
		return engine.Reading{Usage: engine.Group(pods, midnight, s, engine.Grace{})}
	}

	t.Run("average_without_replicas_is_the_whole", func(t *testing.T) {
		d := decide(outside(engine.AverageValue, 1000), engine.Replicas{Spec: 3}, engine.Reading{Value: 5000})
		if p := d.Proposals[0]; p.Average != 5000 || d.To != 5 {
			t.Errorf("average %d and %d replicas, want 5000 and 5", p.Average, d.To)
		}
	})
	t.Run("too_many_replicas_is_the_most_not_the_least", func(t *testing.T) {
		for _, s := range []engine.Signal{outside(engine.AverageValue, 1), outside(engine.Value, 1)} {
			if d := decide(s, three, engine.Reading{Value: 1e18, ReadyPods: 3, Listed: 3}); d.To != math.MaxInt32 {
				t.Errorf("%+v gives %d, want %d", s.Target, d.To, math.MaxInt32)
			}
		}
		s := perPod(engine.AverageValue, 1)
		if d := decide(s, three, group(s, using(3, 1e15, 0))); d.To != math.MaxInt32 {
			t.Errorf("%d, want %d", d.To, math.MaxInt32)
		}
		if d := decide(outside(engine.Value, 1), engine.Replicas{}, engine.Reading{Value: 1e18}); d.To != 0 {
			t.Errorf("%d from a sleep of somebody else's, want 0", d.To)
		}
	})
	t.Run("sums_do_not_wrap_around", func(t *testing.T) {
		s := perPod(engine.AverageValue, math.MaxInt64/4)
		if d := decide(s, three, group(s, using(3, math.MaxInt64/2, 0))); d.To < 3 {
			t.Errorf("three pods at twice their target give %d", d.To)
		}
		u := perPod(engine.Utilization, 50)
		if d := decide(u, three, group(u, using(3, 1e17, 1e17))); d.Proposals[0].Utilization != 100 || d.To != 6 {
			t.Errorf("%d%% and %d, want 100%% and 6", d.Proposals[0].Utilization, d.To)
		}
		if d := decide(u, three, group(u, using(3, 1e12, 1))); d.Proposals[0].Utilization != math.MaxInt32 || d.To < 3 {
			t.Errorf("%d%% and %d, want the largest percentage and no shrinking", d.Proposals[0].Utilization, d.To)
		}
		if d := decide(u, engine.Replicas{Spec: 1, Status: 1}, group(u, using(1, math.MaxInt64, 1))); d.Proposals[0].Utilization != math.MaxInt32 {
			t.Errorf("%d%%, want the largest percentage", d.Proposals[0].Utilization)
		}
	})
	t.Run("negative_measurement_of_a_pod_is_missing", func(t *testing.T) {
		s := perPod(engine.AverageValue, 100)
		r := group(s, append(using(3, 100, 0), engine.Pod{Measured: true, Value: -1000}))
		if d := decide(s, engine.Replicas{Spec: 4, Status: 4}, r); r.Usage.Missing.Pods != 1 || d.To != 4 {
			t.Errorf("%d missing and %d replicas, want 1 and 4", r.Usage.Missing.Pods, d.To)
		}
	})
	t.Run("negative_total_holds", func(t *testing.T) {
		if d := decide(outside(engine.Value, 1000), three, engine.Reading{Value: -5000, ReadyPods: 3, Listed: 3}); !d.Held || d.To != 3 {
			t.Errorf("held is %v and %d replicas, want to hold 3", d.Held, d.To)
		}
	})
	t.Run("stale_reading_holds", func(t *testing.T) {
		if d := decide(outside(engine.AverageValue, 1000), three, engine.Reading{Value: 0, ValidUntil: midnight}); !d.Held || d.To != 3 {
			t.Errorf("held is %v and %d replicas, want to hold 3", d.Held, d.To)
		}
	})
	t.Run("burst_counts_from_a_period_ago", func(t *testing.T) {
		p := open(outside(engine.AverageValue, 1000))
		p.Burst = engine.Burst{Factor: 2, Floor: 4, Period: 15 * time.Second}
		var h engine.History
		size := int32(10)
		for i, want := range []int32{20, 20, 20, 40} {
			at := midnight.Add(time.Duration(i) * 5 * time.Second)
			o := engine.Observation{At: at, Replicas: engine.Replicas{Spec: size, Status: size}, Readings: []engine.Reading{{Signal: "s", Value: 1e6}}}
			d, next := engine.Decide(p, o, h)
			if h, size = engine.Applied(p, d, next), d.To; size != want {
				t.Fatalf("%d after %s, want %d", size, at.Sub(midnight), want)
			}
		}
	})
	t.Run("no_limits_means_unlimited", func(t *testing.T) {
		if d := decide(outside(engine.AverageValue, 1000), three, engine.Reading{Value: 1e6}); d.To != 1000 {
			t.Errorf("%d, want 1000", d.To)
		}
	})
	t.Run("first_pod_without_request_by_name", func(t *testing.T) {
		s := perPod(engine.Utilization, 50)
		pods := []engine.Pod{{Name: "b", NoRequest: "b has none", Measured: true}, {Name: "a", NoRequest: "a has none", Measured: true}}
		if u := engine.Group(pods, midnight, s, engine.Grace{}); u.Fault != "a has none" {
			t.Errorf("%q, want the words of pod a", u.Fault)
		}
	})
}
