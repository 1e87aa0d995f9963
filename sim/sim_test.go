package sim

import (
	"bytes"
	"context"
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"pgregory.net/rapid"
	"sigs.k8s.io/yaml"
)

// walkthrough is php-apache under the HPA of the examples, without load.
func walkthrough(t testing.TB) Scenario {
	t.Helper()
	text, err := os.ReadFile("../examples/pod-autoscaling/hpa/hpa.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var hpa autoscalingv2.HorizontalPodAutoscaler
	if err := yaml.UnmarshalStrict(text, &hpa); err != nil {
		t.Fatal(err)
	}
	compiled, err := policy.Compile(&hpa, policy.UpstreamDefaults())
	if err != nil {
		t.Fatal(err)
	}
	return Scenario{
		Seed: 1, Start: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Length: 30 * time.Minute, Policy: compiled.Policy, Replicas: 1,
		Service: Service{Request: 200, Limit: 500, Cost: 20 * time.Millisecond, Idle: 1, Queue: 500, Patience: 100 * time.Millisecond},
		Cluster: Cluster{Ready: 3 * time.Second},
		Metrics: Metrics{Every: 10 * time.Second, Lag: 100 * time.Millisecond},
	}
}

func run(t testing.TB, s Scenario) Result {
	t.Helper()
	r, err := Run(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// at gives the last point at or before an instant.
func (r Result) at(when time.Duration) Point {
	last := Point{}
	for _, p := range r.Points {
		if p.At <= when {
			last = p
		}
	}
	return last
}

// shrinks gives the changes to fewer pods within a span.
func (r Result) shrinks(within Span) []Change {
	return slices.DeleteFunc(slices.Clone(r.Changes), func(c Change) bool { return c.To > c.From || !within.holds(c.At) })
}

func TestRun_draws_the_walkthrough_s_curve(t *testing.T) {
	const begin, end = 2 * time.Minute, 8 * time.Minute
	s := walkthrough(t)
	// One client that asks again 10 ms after each answer, as the walkthrough's loop of sleep and wget does.
	s.Load = []Step{{From: begin, Clients: 1, Think: 10 * time.Millisecond}, {From: end}}
	r := run(t, s)

	if p := r.at(begin); p.To != 1 || p.Utilization != 1 && p.Utilization != 0 || !p.Known {
		t.Errorf("at rest: %+v, want 1 pod at 0 or 1 %%", p)
	}
	if len(r.Changes) == 0 {
		t.Fatal("nothing was scaled")
	}
	if first := r.Changes[0]; first.From != 1 || first.To < 2 || first.At-begin > time.Minute {
		t.Errorf("first change %+v, want more pods within a minute", first)
	}
	peak := int32(0)
	for _, p := range r.Points {
		peak = max(peak, p.Utilization)
	}
	if peak < 150 || peak > 250 {
		t.Errorf("utilization of %d %% at the most, want far above 50 and not above the limit's 250", peak)
	}
	if r.Score.Peak < 6 || r.Score.Peak > 8 {
		t.Errorf("%d pods at the most, want 7 give or take one", r.Score.Peak)
	}
	if p := r.at(end); p.To != r.Score.Peak || p.Utilization < 42 || p.Utilization > 55 {
		t.Errorf("under load: %+v, want %d pods at about 50 %%", p, r.Score.Peak)
	}
	if early := r.shrinks(Span{0, end + 5*time.Minute}); len(early) > 0 {
		t.Errorf("shrunk within the window of 5 minutes after the load: %+v", early)
	}
	for _, c := range r.shrinks(Span{0, s.Length}) {
		if c.From-c.To != 1 {
			t.Errorf("%+v, want a tenth a minute, which is one pod", c)
		}
	}
	if p := r.at(s.Length); p.To != 1 {
		t.Errorf("at the end: %+v, want 1 pod", p)
	}
}

func TestRun_does_not_flap_with_its_load(t *testing.T) {
	s := walkthrough(t)
	s.Length = time.Hour
	for i := range 120 { // between 200m and 700m of CPU, each 30 s
		rate := 10.0
		if i%2 == 0 {
			rate = 35
		}
		s.Load = append(s.Load, Step{From: time.Duration(i) * 30 * time.Second, Rate: rate})
	}
	r := run(t, s)
	if p := r.at(5 * time.Minute); p.To < 6 || p.To > 8 {
		t.Errorf("%+v, want enough for the higher load", p)
	}
	settled := slices.DeleteFunc(slices.Clone(r.Changes), func(c Change) bool { return c.At < 5*time.Minute })
	if len(settled) > 0 {
		t.Errorf("changes after the first 5 minutes: %+v", settled)
	}
}

func TestRun_gives_the_same_bytes_for_the_same_seed(t *testing.T) {
	s := walkthrough(t)
	s.Load = []Step{{Rate: 5}, {From: 3 * time.Minute, Rate: 60}, {From: 9 * time.Minute, Rate: 2}}
	s.Metrics.Noise, s.Metrics.Loss = 0.3, 0.2
	write := func(s Scenario) string {
		var b bytes.Buffer
		r := run(t, s)
		if err := errors.Join(r.WriteTimeline(&b), r.WriteReport(&b)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	first := write(s)
	for range 5 {
		if diff := cmp.Diff(first, write(s)); diff != "" {
			t.Fatalf("the same seed gave another result: %s", diff)
		}
	}
	for why, change := range map[string]func(*Scenario){
		"loss":  func(s *Scenario) { s.Metrics.Noise = 0 },
		"noise": func(s *Scenario) { s.Metrics.Loss = 0 },
	} {
		one := s
		change(&one)
		another := one
		another.Seed = 2
		if write(one) == write(another) {
			t.Errorf("another seed gave the same %s", why)
		}
	}
}

func TestRun_never_shrinks_without_readings(t *testing.T) {
	s := walkthrough(t)
	s.Replicas, s.Length = 7, 2*time.Hour
	lost := Span{5 * time.Minute, 90 * time.Minute}
	s.Load = []Step{{Rate: 33}, {From: lost.From}}
	s.Metrics.Lost = []Span{lost}
	r := run(t, s)
	if got := r.shrinks(Span{0, lost.To}); len(got) > 0 {
		t.Errorf("the load ended with the readings, and yet: %+v", got)
	}
	if p := r.at(lost.To); p.Known || p.To != 7 {
		t.Errorf("before the readings came back: %+v, want 7 pods on no reading", p)
	}
	if p := r.at(s.Length); p.To != 1 {
		t.Errorf("%+v, want 1 pod once there are readings again", p)
	}
}

func TestRun_keeps_the_size_when_some_pods_are_not_read(t *testing.T) {
	s := walkthrough(t)
	s.Replicas = 7
	s.Load = []Step{{Rate: 33}}
	s.Metrics.Loss = 0.5
	r := run(t, s)
	if got := r.shrinks(Span{0, s.Length}); len(got) > 0 {
		t.Errorf("a steady load, half of the scrapes fail: %+v", got)
	}
}

func TestRun_grows_in_time_for_a_step_and_serves_what_waited(t *testing.T) {
	s := walkthrough(t)
	s.Load = []Step{{Rate: 4}, {From: 5 * time.Minute, Rate: 45}}
	r := run(t, s)
	if p := r.at(8 * time.Minute); p.To < 8 || p.Queue != 0 {
		t.Errorf("3 minutes after the step: %+v, want at least 8 pods and nobody waiting", p)
	}
	if v := r.Score.Violations(); v <= 0 || v > 0.05 {
		t.Errorf("%.3f of the requests were late or refused, want the few of the first seconds", v)
	}
	if missing := r.Score.Requests - r.Score.Served - r.Score.Refused; missing > 1 || missing < -1 {
		t.Errorf("%.1f requests are unaccounted for: %+v", missing, r.Score)
	}
}

func TestRun_waits_for_pods_that_start(t *testing.T) {
	s := walkthrough(t)
	s.Cluster = Cluster{Ready: 90 * time.Second, Boot: 500}
	s.Load = []Step{{From: time.Minute, Rate: 20}}
	r := run(t, s)
	// A pod that burns CPU to start is no reason for more pods: 20 requests a second are 400m, 4 pods.
	if r.Score.Peak > 6 {
		t.Errorf("%d pods at the most, for a need of 4", r.Score.Peak)
	}
}

func TestRun_properties(t *testing.T) {
	base := walkthrough(t)
	rapid.Check(t, func(t *rapid.T) {
		s := base
		s.Seed = rapid.Uint64().Draw(t, "seed")
		s.Length = 20 * time.Minute
		s.Replicas = rapid.Int32Range(1, 10).Draw(t, "replicas")
		s.Metrics.Noise = rapid.Float64Range(0, 0.5).Draw(t, "noise")
		s.Metrics.Loss = rapid.SampledFrom([]float64{0, 0.1, 0.5, 1}).Draw(t, "loss")
		s.Cluster.Ready = time.Duration(rapid.Int64Range(0, int64(2*time.Minute)).Draw(t, "ready"))
		s.Load = nil
		for i, rate := range rapid.SliceOfN(rapid.Float64Range(0, 200), 1, 20).Draw(t, "load") {
			s.Load = append(s.Load, Step{From: time.Duration(i) * time.Minute, Rate: rate})
		}
		r, err := Run(context.Background(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range r.Points {
			if p.To < s.Policy.Min || p.To > s.Policy.Max {
				t.Fatalf("outside the bounds: %+v", p)
			}
			if p.To < p.From && !p.Known {
				t.Fatalf("shrunk without a reading: %+v", p)
			}
		}
		for i := 1; i < len(r.Points); i++ {
			if r.Points[i].From != r.Points[i-1].To || r.Points[i].At < r.Points[i-1].At {
				t.Fatalf("%+v does not follow %+v", r.Points[i], r.Points[i-1])
			}
		}
		if gone := r.Score.Requests - r.Score.Served - r.Score.Refused; gone < -1 || gone > float64(s.Service.Queue)+1 {
			t.Fatalf("%.1f requests are unaccounted for: %+v", gone, r.Score)
		}
	})
}

func TestRun_wakes_when_the_answer_changes_by_itself(t *testing.T) {
	s := walkthrough(t)
	s.Replicas = 4
	s.Metrics.Every, s.Metrics.Lag = time.Minute, 0
	s.Policy.Down = engine.Scaling{Window: 90 * time.Second}
	r := run(t, s)
	// The size at first sight counts as wanted. 90 s after that there is no sample to wait for: those come each minute.
	first := r.Points[0].At
	if len(r.Changes) != 1 || r.Changes[0].To != 1 || r.Changes[0].At < first+90*time.Second || r.Changes[0].At > first+91*time.Second {
		t.Errorf("changes %+v, want one to 1 pod 90 s after %v", r.Changes, first)
	}
}

func TestRead_counts_a_pod_with_an_old_sample_as_missing(t *testing.T) {
	s := walkthrough(t)
	s.Replicas = 3
	w := newWorld(s)
	w.now = time.Minute
	for i, at := range []time.Duration{w.now - 30*time.Second, w.now - 31*time.Second, w.now - 10*time.Second} {
		w.fleet.pods[i].measured, w.fleet.pods[i].has = sample{at, 100, 10 * time.Second}, true
	}
	readings, err := w.Read(t.Context(), w.instant(w.now), s.Policy)
	if err != nil {
		t.Fatal(err)
	}
	u := readings[0].Usage
	if u.Ready.Pods != 2 || u.Missing.Pods != 1 || !readings[0].At.Equal(w.instant(w.now-10*time.Second)) {
		t.Errorf("got %+v, want 2 ready and 1 missing, measured 10 s ago", readings[0])
	}
}

func TestRemove_takes_pods_that_are_not_ready_first(t *testing.T) {
	var f fleet
	for i := range 4 {
		f.create(time.Duration(i)).ready = i != 1
	}
	f.remove(2)
	left := make([]int, 0, len(f.pods))
	for _, p := range f.pods {
		left = append(left, p.number)
	}
	if diff := cmp.Diff([]int{0, 2}, left); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestRun_refuses_a_scenario_without_meaning(t *testing.T) {
	for why, change := range map[string]func(*Scenario){
		"no length":         func(s *Scenario) { s.Length = 0 },
		"no scrapes":        func(s *Scenario) { s.Metrics.Every = 0 },
		"lag below zero":    func(s *Scenario) { s.Metrics.Lag = -1 },
		"no cost":           func(s *Scenario) { s.Service.Cost = 0 },
		"no signal":         func(s *Scenario) { s.Policy.Signals = nil },
		"an external one":   func(s *Scenario) { s.Policy.Signals = []engine.Signal{{Kind: engine.External}} },
		"loss above one":    func(s *Scenario) { s.Metrics.Loss = 1.5 },
		"steps out of turn": func(s *Scenario) { s.Load = []Step{{From: time.Minute}, {From: time.Second}} },
		"rate below zero":   func(s *Scenario) { s.Load = []Step{{Rate: -1}} },
	} {
		s := walkthrough(t)
		change(&s)
		if _, err := Run(t.Context(), s); err == nil {
			t.Errorf("%s: accepted", why)
		}
	}
}

func TestRun_ends_with_its_context(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Run(ctx, walkthrough(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

func TestQueue_gives_events_in_the_order_of_their_instants(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var q queue
		n := rapid.IntRange(0, 50).Draw(t, "events")
		for range n {
			q.push(event{at: time.Duration(rapid.IntRange(0, 5).Draw(t, "at")), kind: kind(rapid.IntRange(0, 4).Draw(t, "kind"))})
		}
		var last event
		for i := range n {
			e, more := q.pop()
			if !more {
				t.Fatalf("%d of %d events were given", i, n)
			}
			if i > 0 && (e.at < last.at || e.at == last.at && e.kind < last.kind || e.at == last.at && e.kind == last.kind && e.order < last.order) {
				t.Fatalf("%+v came after %+v", e, last)
			}
			last = e
		}
	})
}

// day is a day of one workload: quiet nights, two peaks, noise.
func day(t testing.TB) Scenario {
	s := walkthrough(t)
	s.Length = 24 * time.Hour
	for hour, rate := range []float64{2, 2, 1, 1, 1, 2, 5, 12, 25, 32, 30, 28, 35, 38, 30, 26, 24, 28, 35, 30, 20, 12, 6, 3} {
		s.Load = append(s.Load, Step{From: time.Duration(hour) * time.Hour, Rate: rate})
	}
	s.Metrics.Noise = 0.1
	return s
}

func BenchmarkRun_a_day_of_one_workload(b *testing.B) {
	s := day(b)
	b.ReportAllocs()
	for b.Loop() {
		run(b, s)
	}
}
