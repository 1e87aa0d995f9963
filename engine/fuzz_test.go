package engine_test

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/google/go-cmp/cmp"
)

// source turns bytes into values; when they run out, everything is zero.
type source struct{ left []byte }

func (s *source) uint64() uint64 {
	var b [8]byte
	s.left = s.left[copy(b[:], s.left):]
	return binary.LittleEndian.Uint64(b[:])
}

func (s *source) byte() byte {
	if len(s.left) == 0 {
		return 0
	}
	b := s.left[0]
	s.left = s.left[1:]
	return b
}

func (s *source) int32() int32          { return int32(s.uint64()) }
func (s *source) float() float64        { return math.Float64frombits(s.uint64()) }
func (s *source) length() time.Duration { return time.Duration(s.uint64()) }
func (s *source) near() time.Time {
	return midnight.Add(time.Duration(int16(s.uint64())) * time.Second)
}
func (s *source) few() int     { return int(s.byte() % 4) }
func (s *source) bool() bool   { return s.byte()%2 == 1 }
func (s *source) name() string { return string("abc"[s.byte()%3]) }

func (s *source) tally() engine.Tally {
	return engine.Tally{Pods: s.int32(), Value: int64(s.uint64()), Requests: int64(s.uint64()), Fill: int64(s.uint64())}
}

func (s *source) scaling() engine.Scaling {
	x := engine.Scaling{Window: s.length(), Select: engine.Select(s.byte())}
	for range s.few() {
		x.Limits = append(x.Limits, engine.Limit{Percent: s.bool(), Value: s.int32(), Period: s.length()})
	}
	return x
}

func (s *source) policy() engine.Policy {
	p := engine.Policy{
		Min: s.int32(), Max: s.int32(), Tolerance: engine.Tolerance{Up: s.float(), Down: s.float()},
		Up: s.scaling(), Down: s.scaling(),
		Burst: engine.Burst{Factor: s.float(), Floor: s.int32(), Period: s.length()},
		Grace: engine.Grace{CPUInitialization: s.length(), InitialReadiness: s.length()},
	}
	if s.bool() {
		p.Burst = engine.Burst{}
	}
	for range s.few() {
		p.Signals = append(p.Signals, engine.Signal{
			Name: s.name(), Kind: engine.Kind(s.byte() % 4), CPU: s.bool(),
			Target: engine.Target{Kind: engine.TargetKind(s.byte() % 4), Value: int64(s.uint64())},
		})
	}
	return p
}

func (s *source) observation(p engine.Policy) engine.Observation {
	o := engine.Observation{At: s.near(), Replicas: engine.Replicas{Spec: s.int32(), Status: s.int32()}}
	for range s.few() {
		r := engine.Reading{
			Signal: s.name(), Value: s.float(), ReadyPods: s.int32(), Listed: s.int32(), At: s.near(),
			Usage: engine.Usage{Ready: s.tally(), Stray: s.tally(), Missing: s.tally(), Unready: s.tally(), Listed: s.int32()},
		}
		if s.bool() {
			r.ValidUntil = s.near()
		}
		if s.bool() && len(p.Signals) > 0 {
			r.Usage = engine.Group([]engine.Pod{s.pod(), s.pod(), s.pod()}, o.At, p.Signals[0], p.Grace)
		}
		o.Readings = append(o.Readings, r)
	}
	return o
}

func (s *source) pod() engine.Pod {
	return engine.Pod{
		Phase: engine.Phase(s.byte()), Deleting: s.bool(), Readiness: engine.Readiness(s.byte()), ReadySince: s.near(),
		Started: s.near(), Begun: s.bool(), Request: int64(s.uint64()), Measured: s.bool(), Value: int64(s.uint64()),
		At: s.near(), Window: s.length(), Stray: s.bool(),
	}
}

func (s *source) history() engine.History {
	h := engine.History{Seen: s.bool(), Asleep: s.bool()}
	for range s.few() {
		w := engine.Want{At: s.near(), Replicas: s.int32()}
		h.Low, h.High = append(h.Low, w), append(h.High, w)
		h.Resizes = append(h.Resizes, engine.Resize{At: s.near(), Change: s.int32()})
	}
	return h
}

// FuzzDecide: whatever the arguments, a decision never panics, is the same
// twice, can be written down, and shrinks only on a valid reading or into the
// bounds.
func FuzzDecide(f *testing.F) {
	f.Add([]byte{})
	for _, seed := range []uint64{0, 1, 0x7ff8000000000001, math.Float64bits(math.Inf(1)), math.MaxUint64, math.MaxInt64, 1000, 1 << 31} {
		var b []byte
		for range 100 {
			b = binary.LittleEndian.AppendUint64(b, seed)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		s := &source{left: b}
		p := s.policy()
		o, h := s.observation(p), s.history()
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
		invalid, _ := d.Invalid()
		if d.To < d.From && d.From <= max(p.Max, p.Min, 0) && invalid > 0 {
			t.Fatalf("%d becomes %d with a reading missing: %v", d.From, d.To, d.Steps)
		}
		if d.To != d.From && (d.To < max(p.Min, 0) && d.From >= p.Min || d.To > max(p.Max, p.Min, 0)) {
			t.Fatalf("%d becomes %d, bounds are %d..%d: %v", d.From, d.To, p.Min, p.Max, d.Steps)
		}
		engine.Applied(p, d, next)
		engine.NeedsReadings(p, o.Replicas, h)
	})
}
