package loop_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/google/go-cmp/cmp"
)

// scene is one workload whose ports answer as the test says.
type scene struct {
	size                     engine.Replicas
	value                    float64
	unseen, unread, unscaled error
	scaled                   []int32
	records                  []loop.Record
}

func (s *scene) Size(context.Context) (engine.Replicas, error) { return s.size, s.unseen }

func (s *scene) Read(_ context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error) {
	if s.unread != nil {
		return nil, s.unread
	}
	return []engine.Reading{{Signal: p.Signals[0].Name, At: at, Value: s.value, ReadyPods: s.size.Status, Listed: s.size.Status}}, nil
}

func (s *scene) Scale(_ context.Context, _, to int32) error {
	if s.unscaled != nil {
		return s.unscaled
	}
	s.scaled = append(s.scaled, to)
	s.size = engine.Replicas{Spec: to, Status: to}
	return nil
}

func (s *scene) Record(_ context.Context, r loop.Record) error {
	s.records = append(s.records, r)
	return nil
}

func TestTick_says_what_came_of_each_decision(t *testing.T) {
	begin := time.Unix(1_800_000_000, 0)
	gone := errors.New("gone")
	for why, c := range map[string]struct {
		scene   scene
		observe bool
		freeze  string
		scaled  []int32
		outcome loop.Outcome
		err     error
		resizes int
	}{
		"writes a new size":              {scene{value: 40_000}, false, "", []int32{4}, loop.Scaled, nil, 1},
		"leaves a size that is right":    {scene{value: 20_000}, false, "", nil, loop.Unchanged, nil, 0},
		"writes nothing in observe mode": {scene{value: 40_000}, true, "", nil, loop.Observed, nil, 0},
		"writes nothing while frozen":    {scene{value: 40_000}, false, "release", nil, loop.Frozen, nil, 0},
		"keeps a right size frozen":      {scene{value: 20_000}, false, "release", nil, loop.Unchanged, nil, 0},
		"keeps why a write failed":       {scene{value: 40_000, unscaled: gone}, false, "", nil, loop.Failed, gone, 0},
		"lets a moved size be told":      {scene{value: 40_000, unscaled: loop.ErrMoved}, false, "", nil, loop.Failed, loop.ErrMoved, 0},
		"holds what cannot be read":      {scene{unread: gone}, false, "", nil, loop.Unchanged, gone, 0},
		"decides nothing about nothing":  {scene{unseen: gone}, false, "", nil, loop.Unseen, gone, 0},
	} {
		s := &c.scene
		s.size = engine.Replicas{Spec: 2, Status: 2}
		l := loop.Loop{Observer: s, Actuator: s, Recorder: s, Observe: c.observe, Freeze: func() string { return c.freeze }}
		l.Use(engine.Policy{
			Min: 1, Max: 10,
			Signals: []engine.Signal{{Name: "queue", Kind: engine.Object, Target: engine.Target{Kind: engine.Value, Value: 20_000}}},
		})
		_, err := l.Tick(t.Context(), begin)
		if !errors.Is(err, c.err) {
			t.Errorf("%s: error %v, want %v", why, err, c.err)
		}
		if diff := cmp.Diff(c.scaled, s.scaled); diff != "" {
			t.Errorf("%s: sizes written (-want +got):\n%s", why, diff)
		}
		if len(s.records) != 1 || s.records[0].Outcome != c.outcome || !s.records[0].At.Equal(begin) {
			t.Errorf("%s: records %v, want one with outcome %s", why, s.records, c.outcome)
			continue
		}
		if got := len(l.History().Resizes); got != c.resizes {
			t.Errorf("%s: %d resizes in the history, want %d: only what was written is one", why, got, c.resizes)
		}
		if s.records[0].Outcome != loop.Unseen && s.records[0].Freeze != c.freeze {
			t.Errorf("%s: the record says of a freeze %q, want %q", why, s.records[0].Freeze, c.freeze)
		}
		if r := s.records[0]; r.Outcome != loop.Unseen {
			again, _ := engine.Decide(r.Policy, r.Seen, r.Past)
			if diff := cmp.Diff(r.Decision, again); diff != "" {
				t.Errorf("%s: the record does not replay (-recorded +replayed):\n%s", why, diff)
			}
		}
	}
}
