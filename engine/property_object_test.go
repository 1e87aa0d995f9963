package engine_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// objects makes policies of ScaledObjects.
func objects() *rapid.Generator[engine.Policy] {
	return rapid.Custom(func(t *rapid.T) engine.Policy {
		p := policies(signals()).Draw(t, "hpa")
		second := func(most int, name string) time.Duration {
			return time.Duration(rapid.IntRange(0, most).Draw(t, name)) * time.Second
		}
		p.Min = rapid.SampledFrom([]int32{0, 0, p.Min}).Draw(t, "least")
		p.Activation = engine.Activation{
			On: true, Cooldown: second(600, "cooldown"), InitialCooldown: second(60, "initial"), Created: ago(t, 120),
			Forced: often(t, "forced", 10), BlockedIn: often(t, "in", 10), BlockedOut: often(t, "out", 10), ByBehavior: often(t, "by", 3),
		}
		if most := max(p.Min, 1); often(t, "idles", 3) {
			p.Activation.Idles, p.Activation.Idle = true, rapid.Int32Range(0, most-1).Draw(t, "idle")
		}
		for i := range p.Signals {
			p.Signals[i].Activation = rapid.SampledFrom([]int64{0, 0, 5000}).Draw(t, "activation")
		}
		if often(t, "fallback", 2) {
			p.Fallback = engine.Fallback{
				On: true, Threshold: rapid.Int32Range(0, 3).Draw(t, "threshold"), Replicas: rapid.Int32Range(0, 30).Draw(t, "replicas"),
				Behavior: engine.FallbackBehavior(rapid.IntRange(0, 4).Draw(t, "behavior")),
			}
		}
		if often(t, "composite", 3) {
			compose(t, &p)
		}
		return p
	})
}

// compose makes the first signal one that is computed from two others.
func compose(t *rapid.T, p *engine.Policy) {
	s := &p.Signals[0]
	s.Kind, s.CPU, s.Target.Kind = engine.External, false, rapid.SampledFrom([]engine.TargetKind{engine.AverageValue, engine.Value}).Draw(t, "target")
	form := rapid.SampledFrom([]string{"a + b", "a - b", "a / b", "a ?? b", "a ?? 5", "a"}).Draw(t, "formula")
	p.Composite = engine.Composite{Formula: arithmetic(form), Signal: s.Name, Inputs: []engine.Input{
		{Variable: "a", Signal: engine.Signal{Name: "ia", Kind: engine.External}},
		{Variable: "b", Signal: engine.Signal{Name: "ib", Kind: engine.External}, Spare: form == "a"},
	}}
}

func often(t *rapid.T, name string, oneIn int) bool {
	return rapid.IntRange(1, oneIn).Draw(t, name) == 1
}

// looks makes what one poll of an object sees: readings that are good or not.
func looks(t *rapid.T, p engine.Policy) engine.Observation {
	all := p
	all.Signals = p.Sensors()
	o := observations(t, all, true)
	o.Replicas.Spec = rapid.SampledFrom([]int32{0, o.Replicas.Spec}).Draw(t, "size")
	for i := range o.Readings {
		r, s := &o.Readings[i], all.Signals[i]
		switch rapid.IntRange(0, 7).Draw(t, "kind") {
		case 0:
			spoil(t, s, r)
		case 1:
			r.Activity = engine.Activity(rapid.IntRange(0, 2).Draw(t, "activity"))
		case 2, 3, 4:
			r.Value = 0
		}
	}
	return o
}

func pasts(t *rapid.T, p engine.Policy) engine.History {
	h := histories().Draw(t, "history")
	h.Asleep = false
	if rapid.Bool().Draw(t, "active before") {
		h.LastActive = ago(t, 900)
	}
	for _, s := range p.Sensors() {
		if n := rapid.Int32Range(0, 5).Draw(t, "failures"); p.Fallback.On && s.Kind != engine.PerPod && n > 0 {
			h.Failures = append(h.Failures, engine.Failure{Signal: s.Name, InARow: n, At: ago(t, 60)})
		}
	}
	return h
}

// An object's size is at rest, within its bounds, or where it was.
func TestObjectStaysWithinBounds(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		d, _ := engine.Decide(p, looks(t, p), pasts(t, p))
		rest := p.Activation.Idle
		switch {
		case d.To == rest, d.To >= max(p.Min, 1) && d.To <= p.Max, d.To == d.From:
		case p.Activation.ByBehavior && d.To < d.From && d.To > rest: // on its way down
		default:
			t.Fatalf("%d becomes %d, rest is %d, bounds are %d..%d: %v", d.From, d.To, rest, p.Min, p.Max, d.Steps)
		}
		if d.From > p.Max && d.To > p.Max && !p.Activation.ByBehavior && !d.Held {
			t.Fatalf("%d stays above %d: %v", d.To, p.Max, d.Steps)
		}
	})
}

// Nothing goes to zero, or down to idle, while there is work or nobody knows.
func TestObjectRestsOnlyWithoutWork(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		d, h := engine.Decide(p, looks(t, p), pasts(t, p))
		busy, mayRest := p.Activation.Forced, p.Fallback.On && p.Fallback.Replicas == 0
		for _, a := range d.Activity {
			busy = busy || a.Activity == engine.Active || a.Activity == engine.ActivityUnknown && !mayRest
		}
		if busy && d.To < min(d.From, max(p.Min, 1)) {
			t.Fatalf("%d becomes %d with work to do: %v", d.From, d.To, d.Steps)
		}
		if d.To == 0 && d.From > 0 && d.At.Sub(h.LastActive) <= p.Activation.Cooldown && !h.LastActive.IsZero() && !p.Activation.ByBehavior {
			t.Fatalf("to zero %s after the last activity: %v", d.At.Sub(h.LastActive), d.Steps)
		}
	})
}

func TestObjectEqualInEqualOut(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		o, h := looks(t, p), pasts(t, p)
		before := fmt.Sprintf("%#v %#v %#v", p, o, h)
		d1, h1 := engine.Decide(p, o, h)
		o.Readings = rapid.Permutation(o.Readings).Draw(t, "order")
		d2, h2 := engine.Decide(p, o, h)
		if diff := cmp.Diff(d1, d2) + cmp.Diff(h1, h2); diff != "" {
			t.Fatalf("the order of readings matters: %s", diff)
		}
		o.Readings = nil
		if after := fmt.Sprintf("%#v %#v", p, h); before[:len(fmt.Sprintf("%#v", p))] != after[:len(fmt.Sprintf("%#v", p))] {
			t.Fatalf("an argument changed:\n%s\n%s", before, after)
		}
	})
}

func TestObjectNextIsInTime(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		o := looks(t, p)
		d, h := engine.Decide(p, o, pasts(t, p))
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

// An attempt counts once, however many decisions see it, and the list holds no
// more than there are signals.
func TestObjectCountsAnAttemptOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		o, h := looks(t, p), pasts(t, p)
		_, once := engine.Decide(p, o, h)
		o.At = o.At.Add(time.Second)
		_, twice := engine.Decide(p, o, once)
		if diff := cmp.Diff(once.Failures, twice.Failures); diff != "" {
			t.Fatalf("counted again: %s", diff)
		}
		if n := len(twice.Failures); n > len(p.Sensors()) {
			t.Fatalf("%d failures of %d signals", n, len(p.Sensors()))
		}
	})
}

func TestResumedActiveCountsFromNow(t *testing.T) {
	k := engine.Known{
		Active: true, LastActive: midnight.Add(-time.Hour), Paused: true, PausedAt: 3,
		Failures: []engine.Failure{{Signal: "s0-queue", InARow: 4}},
	}
	want := engine.History{LastActive: midnight, Failures: k.Failures, Paused: true, PausedAt: 3}
	if diff := cmp.Diff(want, engine.Resumed(midnight, k)); diff != "" {
		t.Errorf("active (-want +got):\n%s", diff)
	}
	k.Active = false
	if got := engine.Resumed(midnight, k).LastActive; !got.Equal(k.LastActive) {
		t.Errorf("inactive counts from %s, want %s", got, k.LastActive)
	}
	if got := engine.Resumed(midnight, k).FailuresOf("s0-queue"); got != 4 {
		t.Errorf("%d failures, want 4", got)
	}
}

// Where the sizes from the minimum up are somebody else's, Furl writes the
// size to wake to, the one to rest at, and no other.
func TestObjectOnlyWakesAndRests(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		p.Activation.Only = true
		d, h := engine.Decide(p, looks(t, p), pasts(t, p))
		rest := p.Min
		if p.Activation.Idles {
			rest = p.Activation.Idle
		}
		if d.To != d.From && d.To != rest && d.To != max(p.Min, 1) {
			t.Fatalf("%d becomes %d, rest is %d, the minimum is %d: %v", d.From, d.To, rest, p.Min, d.Steps)
		}
		if h.Seen || len(h.Low)+len(h.High) > 0 || d.Proposals != nil {
			t.Fatalf("it recommends: %+v, %v", h, d.Proposals)
		}
	})
}

// What an HPA is told is what a decision goes by.
func TestValuesAreWhatDecides(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := objects().Draw(t, "policy")
		o, h := looks(t, p), pasts(t, p)
		if o.Replicas.Spec == 0 {
			o.Replicas.Spec = 1
		}
		d, _ := engine.Without(engine.RuleActivate)(p, o, h)
		values := map[string]engine.Reading{}
		for _, v := range engine.Values(p, o, h) {
			values[v.Signal] = v
		}
		for i, proposal := range d.Proposals {
			v, told := values[proposal.Signal]
			if told != (p.Signals[i].Kind != engine.PerPod) {
				t.Fatalf("%s is told: %v", proposal.Signal, told)
			}
			whole := int64(math.MaxInt64)
			if v.Value < math.MaxInt64 {
				whole = int64(v.Value)
			}
			if told && proposal.Missing == "" && (v.Missing != "" || whole != proposal.Total) {
				t.Fatalf("%s: told %+v, decided by %+v", proposal.Signal, v, proposal)
			}
		}
	})
}
