package engine_test

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"testing"

	"github.com/furl-dev/furl/engine"
	"github.com/google/go-cmp/cmp"
)

// object makes any policy that of some ScaledObject.
func (s *source) object(p *engine.Policy) {
	p.Pause = engine.Pause{On: s.byte()%8 == 7, At: s.bool(), Replicas: s.int32()}
	p.Activation = engine.Activation{
		On: true, Idles: s.bool(), Idle: s.int32(), Cooldown: s.length(), InitialCooldown: s.length(), Created: s.near(),
		Forced: s.bool(), BlockedIn: s.bool(), BlockedOut: s.bool(), ByBehavior: s.bool(), Only: s.bool(),
	}
	p.Fallback = engine.Fallback{On: s.bool(), Threshold: s.int32(), Replicas: s.int32(), Behavior: engine.FallbackBehavior(s.byte())}
	for i := range p.Signals {
		p.Signals[i].Activation = int64(s.uint64())
	}
	if s.bool() {
		p.Composite = engine.Composite{Formula: arithmetic("a / b"), Signal: s.name(), Inputs: []engine.Input{
			{Variable: "a", Signal: engine.Signal{Name: s.name(), Kind: engine.Kind(s.byte())}},
			{Variable: "b", Signal: engine.Signal{Name: s.name()}, Spare: s.bool()},
		}}
	}
}

// FuzzDecideObject: whatever the arguments, a decision about a ScaledObject
// never panics, is the same twice, has words, and rests only without work.
func FuzzDecideObject(f *testing.F) {
	f.Add([]byte{})
	for _, seed := range []uint64{1, 0x0101010101010101, 0x7ff8000000000001, math.Float64bits(math.Inf(1)), math.MaxUint64, math.MaxInt64, 1000} {
		var b []byte
		for range 120 {
			b = binary.LittleEndian.AppendUint64(b, seed)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{left: b}
		p := s.policy()
		s.object(&p)
		o, h := s.observation(p), s.history()
		for i := range o.Readings {
			o.Readings[i].Activity = engine.Activity(s.byte())
			if s.bool() {
				o.Readings[i].Missing = "gone"
			}
		}
		h.LastActive, h.Paused, h.PausedAt = s.near(), s.bool(), s.int32()
		h.Failures = []engine.Failure{{Signal: s.name(), InARow: s.int32(), At: s.near()}}
		d, next := engine.Decide(p, o, h)
		again, _ := engine.Decide(p, o, h)
		if diff := cmp.Diff(d, again); diff != "" {
			t.Fatal(diff)
		}
		if _, err := json.Marshal(d); err != nil {
			t.Fatalf("%v: %+v", err, d)
		}
		for _, st := range d.Steps {
			if st.String() == "" || st.Why() == "" {
				t.Fatalf("%+v has no words", st)
			}
		}
		if len(d.ActiveSignals()) > 0 && d.To < min(d.From, max(p.Min, 1)) {
			t.Fatalf("%d becomes %d with work to do: %v", d.From, d.To, d.Steps)
		}
		d.ScalerActive()
		d.TriggersReady()
		d.MovesLastActive()
		d.ActivationEvent("x", errors.New("refused"))
		engine.FallsBack(p, engine.Applied(p, d, next))
		engine.NeedsReadings(p, o.Replicas, h)
	})
}
