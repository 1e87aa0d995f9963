package engine_test

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// The generators make valid policies and all that can be observed, also what
// should not be.

func policies(valid *rapid.Generator[engine.Signal]) *rapid.Generator[engine.Policy] {
	return rapid.Custom(func(t *rapid.T) engine.Policy {
		p := engine.Policy{
			Min:       rapid.Int32Range(0, 20).Draw(t, "min"),
			Tolerance: engine.Tolerance{Up: rapid.Float64Range(0, 1).Draw(t, "tup"), Down: rapid.Float64Range(0, 1).Draw(t, "tdown")},
			Up:        scalings().Draw(t, "up"),
			Down:      scalings().Draw(t, "down"),
			Grace:     engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second},
		}
		p.Max = p.Min + rapid.Int32Range(0, 200).Draw(t, "more") + 1
		if rapid.Bool().Draw(t, "legacy") {
			p.Burst = engine.Burst{Factor: rapid.Float64Range(1, 8).Draw(t, "factor"), Floor: rapid.Int32Range(1, 8).Draw(t, "floor"), Period: 15 * time.Second}
			p.Up = engine.Scaling{}
			p.Down.Limits = nil
		}
		n := rapid.IntRange(1, 4).Draw(t, "signals")
		for i := range n {
			s := valid.Draw(t, "signal")
			s.Name = fmt.Sprintf("s%d", i)
			p.Signals = append(p.Signals, s)
		}
		return p
	})
}

func scalings() *rapid.Generator[engine.Scaling] {
	return rapid.Custom(func(t *rapid.T) engine.Scaling {
		s := engine.Scaling{
			Window: time.Duration(rapid.IntRange(0, 600).Draw(t, "window")) * time.Second,
			Select: engine.Select(rapid.IntRange(0, 2).Draw(t, "select")),
		}
		for range rapid.IntRange(0, 3).Draw(t, "limits") {
			s.Limits = append(s.Limits, engine.Limit{
				Percent: rapid.Bool().Draw(t, "percent"),
				Value:   rapid.Int32Range(1, 300).Draw(t, "value"),
				Period:  time.Duration(rapid.IntRange(1, 1800).Draw(t, "period")) * time.Second,
			})
		}
		return s
	})
}

func signals() *rapid.Generator[engine.Signal] {
	return rapid.Custom(func(t *rapid.T) engine.Signal {
		return rapid.SampledFrom([]engine.Signal{
			{Kind: engine.PerPod, CPU: true, Target: engine.Target{Kind: engine.Utilization, Value: rapid.Int64Range(1, 300).Draw(t, "percent")}},
			{Kind: engine.PerPod, Target: engine.Target{Kind: engine.AverageValue, Value: rapid.Int64Range(1, 1e6).Draw(t, "average")}},
			{Kind: engine.Object, Target: engine.Target{Kind: engine.Value, Value: rapid.Int64Range(1, 1e6).Draw(t, "value")}},
			{Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: rapid.Int64Range(1, 1e6).Draw(t, "share")}},
			{Kind: engine.External, Target: engine.Target{Kind: engine.Value, Value: rapid.Int64Range(1, 1e6).Draw(t, "value")}},
		}).Draw(t, "form")
	})
}

func histories() *rapid.Generator[engine.History] {
	return rapid.Custom(func(t *rapid.T) engine.History {
		wants := make([]engine.Want, 0, 8)
		resizes := make([]engine.Resize, 0, 8)
		for range rapid.IntRange(0, 8).Draw(t, "wants") {
			wants = append(wants, engine.Want{At: ago(t, 700), Replicas: rapid.Int32Range(0, 250).Draw(t, "wanted")})
		}
		for range rapid.IntRange(0, 8).Draw(t, "resizes") {
			resizes = append(resizes, engine.Resize{At: ago(t, 1900), Change: rapid.Int32Range(-50, 50).Draw(t, "change")})
		}
		h := engine.Past(wants, resizes)
		h.Seen = rapid.Bool().Draw(t, "seen")
		h.Asleep = rapid.Bool().Draw(t, "asleep")
		return h
	})
}

func ago(t *rapid.T, seconds int) time.Time {
	return midnight.Add(-time.Duration(rapid.IntRange(0, seconds).Draw(t, "ago")) * time.Second)
}

func readings(t *rapid.T, p engine.Policy, usable bool) []engine.Reading {
	rs := make([]engine.Reading, 0, len(p.Signals))
	for _, s := range p.Signals {
		r := engine.Reading{
			Signal: s.Name, At: midnight, ReadyPods: rapid.Int32Range(1, 60).Draw(t, "ready"), Listed: 60,
			Value: rapid.OneOf(rapid.Float64Range(0, 1e8), rapid.Float64Range(0, 2e4)).Draw(t, "value"),
			Usage: engine.Group(pods().Draw(t, "pods"), midnight, s, p.Grace),
		}
		if rapid.Bool().Draw(t, "expires") {
			r.ValidUntil = midnight.Add(time.Duration(rapid.IntRange(1, 60).Draw(t, "valid")) * time.Second)
		}
		if !usable {
			spoil(t, s, &r)
		}
		rs = append(rs, r)
	}
	return rs
}

// spoil makes a reading one that must not count.
func spoil(t *rapid.T, s engine.Signal, r *engine.Reading) {
	how := rapid.IntRange(0, 4).Draw(t, "spoilt")
	if s.Kind == engine.PerPod {
		how = how % 2
	}
	switch how {
	case 0:
		r.Missing = "out of reach"
	case 1:
		r.ValidUntil = midnight.Add(-time.Duration(rapid.IntRange(0, 60).Draw(t, "stale")) * time.Second)
	case 2:
		r.Value = math.NaN()
	case 3:
		r.Value = math.Inf(rapid.SampledFrom([]int{-1, 1}).Draw(t, "sign"))
	case 4:
		r.Value = -rapid.Float64Range(1e-9, math.MaxFloat64).Draw(t, "negative")
	}
}

func pods() *rapid.Generator[[]engine.Pod] {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) engine.Pod {
		p := engine.Pod{
			Phase:      engine.Phase(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 1, 2, 3}).Draw(t, "phase")),
			Deleting:   rapid.IntRange(0, 9).Draw(t, "deleting") == 0,
			Readiness:  engine.Readiness(rapid.SampledFrom([]int{1, 1, 1, 1, 0, 2, 3}).Draw(t, "readiness")),
			Begun:      rapid.IntRange(0, 9).Draw(t, "begun") > 0,
			Started:    ago(t, 600),
			ReadySince: ago(t, 600),
			Request:    rapid.Int64Range(1, 1000).Draw(t, "request"),
			Measured:   rapid.IntRange(0, 5).Draw(t, "measured") > 0,
			Value:      rapid.Int64Range(0, 4000).Draw(t, "use"),
			At:         ago(t, 60),
			Window:     30 * time.Second,
		}
		return p
	}), 1, 12)
}

func observations(t *rapid.T, p engine.Policy, usable bool) engine.Observation {
	spec := rapid.Int32Range(0, p.Max+10).Draw(t, "spec")
	return engine.Observation{
		At:       midnight,
		Replicas: engine.Replicas{Spec: spec, Status: rapid.SampledFrom([]int32{spec, 0, spec / 2, spec + 3}).Draw(t, "status")},
		Readings: readings(t, p, usable),
	}
}

func TestStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		o, h := observations(t, p, true), histories().Draw(t, "history")
		d, _ := engine.Decide(p, o, h)
		_, asleep := d.Find(engine.RuleAsleep)
		switch inside := d.To >= p.Min && d.To <= p.Max; {
		case inside:
		case (d.Held || asleep) && d.To == d.From:
		default:
			t.Fatalf("%d is outside %d..%d: %v", d.To, p.Min, p.Max, d.Steps)
		}
		if n := len(d.Steps); n > 0 && d.Steps[n-1].After != d.To {
			t.Fatalf("the last step says %d, the decision %d", d.Steps[n-1].After, d.To)
		}
	})
}

func TestEqualInEqualOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		o, h := observations(t, p, rapid.Bool().Draw(t, "usable")), histories().Draw(t, "history")
		before := fmt.Sprintf("%#v %#v %#v", p, o, h)
		d1, h1 := engine.Decide(p, o, h)
		d2, h2 := engine.Decide(p, o, h)
		engine.Applied(p, d2, h2)
		engine.Decide(p, o, h2)
		if diff := cmp.Diff(d1, d2) + cmp.Diff(h1, h2); diff != "" {
			t.Fatalf("two answers to one question: %s", diff)
		}
		if after := fmt.Sprintf("%#v %#v %#v", p, o, h); before != after {
			t.Fatalf("an argument changed:\n%s\n%s", before, after)
		}
	})
}

func TestOrderOfReadingsIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		o, h := observations(t, p, rapid.Bool().Draw(t, "usable")), histories().Draw(t, "history")
		d1, h1 := engine.Decide(p, o, h)
		o.Readings = rapid.Permutation(o.Readings).Draw(t, "order")
		d2, h2 := engine.Decide(p, o, h)
		if diff := cmp.Diff(d1, d2) + cmp.Diff(h1, h2); diff != "" {
			t.Fatal(diff)
		}
	})
}

func TestOrderOfPodsIsIrrelevant(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := signals().Draw(t, "signal")
		ps := pods().Draw(t, "pods")
		for i := range ps {
			ps[i].Name = fmt.Sprint(i)
			if rapid.IntRange(0, 9).Draw(t, "norequest") == 0 {
				ps[i].NoRequest = "none in " + ps[i].Name
			}
		}
		g := engine.Grace{CPUInitialization: 5 * time.Minute, InitialReadiness: 30 * time.Second}
		u := engine.Group(ps, midnight, s, g)
		if diff := cmp.Diff(u, engine.Group(rapid.Permutation(ps).Draw(t, "order"), midnight, s, g)); diff != "" {
			t.Fatal(diff)
		}
	})
}

// A busier workload of ready pods never gets fewer replicas.
func TestMoreLoadNeverShrinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		h := histories().Draw(t, "history")
		n := rapid.Int32Range(1, p.Max).Draw(t, "size")
		use := rapid.Int64Range(0, 1e6).Draw(t, "use")
		more := use + rapid.Int64Range(0, 1e6).Draw(t, "more")
		to := func(use int64) int32 {
			o := engine.Observation{At: midnight, Replicas: engine.Replicas{Spec: n, Status: n}}
			for _, s := range p.Signals {
				ps := slices.Repeat([]engine.Pod{{Request: 1000, Measured: true, Value: use, Readiness: engine.Ready, Begun: true, At: midnight}}, int(n))
				u := engine.Group(ps, midnight, s, p.Grace)
				o.Readings = append(o.Readings, engine.Reading{Signal: s.Name, Usage: u, Value: float64(use), ReadyPods: n, Listed: n})
			}
			d, _ := engine.Decide(p, o, h)
			return d.To
		}
		if a, b := to(use), to(more); b < a {
			t.Fatalf("using %d gives %d, using %d gives %d", use, a, more, b)
		}
	})
}

func TestWithoutReadingsOnlyBoundsMove(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		o, h := observations(t, p, false), histories().Draw(t, "history")
		d, _ := engine.Decide(p, o, h)
		spec := o.Replicas.Spec
		want := spec
		if spec > 0 {
			want = min(max(spec, p.Min), p.Max)
		}
		if d.To != want {
			t.Fatalf("%d becomes %d without a reading, want %d: %v", spec, d.To, want, d.Steps)
		}
		if needs := engine.NeedsReadings(p, o.Replicas, h); needs != (d.Proposals != nil) {
			t.Fatalf("NeedsReadings is %v, and %d signals were asked", needs, len(d.Proposals))
		}
	})
}

// One bad reading among good ones never makes the answer smaller than the size.
func TestBadReadingNeverShrinks(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		o, h := observations(t, p, true), histories().Draw(t, "history")
		spec := o.Replicas.Spec
		i := rapid.IntRange(0, len(p.Signals)-1).Draw(t, "bad")
		spoil(t, p.Signals[i], &o.Readings[i])
		d, _ := engine.Decide(p, o, h)
		if d.To < spec && spec <= p.Max {
			t.Fatalf("%d becomes %d: %v", spec, d.To, d.Steps)
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		p.Min, p.Max = 0, math.MaxInt32
		p.Signals = []engine.Signal{{Name: "q", Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: 1000}}}
		var h engine.History
		at := midnight
		size := int32(1)
		falling := rapid.Bool().Draw(t, "falling")
		for i := range 1000 {
			at = at.Add(time.Duration(rapid.IntRange(0, 1200).Draw(t, "step")) * time.Millisecond)
			v := float64(i+1) * 1000
			if falling {
				v = float64(1001-i) * 1000
			}
			d, next := engine.Decide(p, engine.Observation{At: at, Replicas: engine.Replicas{Spec: size, Status: size}, Readings: []engine.Reading{{Signal: "q", Value: v}}}, h)
			d.To = d.From + rapid.SampledFrom([]int32{-1, 1, 2}).Draw(t, "resize")
			h = engine.Applied(p, d, next)
			size = max(1, d.To)
			if len(h.Low) > 256 || len(h.High) > 256 || len(h.Resizes) > 256 {
				t.Fatalf("%d low, %d high, %d resizes", len(h.Low), len(h.High), len(h.Resizes))
			}
		}
	})
}

// A decision asks to be woken before it would have become another one.
func TestNextIsInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := policies(signals()).Draw(t, "policy")
		o, h := observations(t, p, true), histories().Draw(t, "history")
		d, h := engine.Decide(p, o, h)
		if rapid.Bool().Draw(t, "applied") {
			h = engine.Applied(p, d, h)
			if o.Replicas.Spec != d.To {
				t.Skip("the pods will change, and that is new data")
			}
		}
		later := midnight.Add(time.Duration(rapid.IntRange(1, 2000).Draw(t, "later")) * time.Second)
		if !d.Next.IsZero() && !later.Before(d.Next) {
			later = d.Next.Add(-1)
		}
		o.At = later
		again, _ := engine.Decide(p, o, h)
		if again.To != d.To || again.Held != d.Held {
			t.Fatalf("%d becomes %d already after %s, next was %s\n%v\n%v", d.To, again.To, later.Sub(midnight), d.Next.Sub(midnight), d.Steps, again.Steps)
		}
	})
}

func TestRecordsReplay(t *testing.T) {
	type record struct {
		Policy   engine.Policy
		Seen     engine.Observation
		Past     engine.History
		Decision engine.Decision
	}
	rapid.Check(t, func(t *rapid.T) {
		var r record
		r.Policy = policies(signals()).Draw(t, "policy")
		r.Seen, r.Past = observations(t, r.Policy, true), histories().Draw(t, "history")
		r.Decision, _ = engine.Decide(r.Policy, r.Seen, r.Past)
		text, err := json.Marshal(r)
		if err != nil {
			t.Fatal(err)
		}
		var back record
		if err := json.Unmarshal(text, &back); err != nil {
			t.Fatal(err)
		}
		got, _ := engine.Decide(back.Policy, back.Seen, back.Past)
		if diff := cmp.Diff(r.Decision, got) + cmp.Diff(r.Decision, back.Decision); diff != "" {
			t.Fatal(diff)
		}
	})
}
