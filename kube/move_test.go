package kube

import (
	"errors"
	"testing"
	"time"

	"github.com/furl-dev/furl/loop"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

func TestMove_writes_the_size(t *testing.T) {
	s := newServer()
	scales := NewScales(s, s, nil, nil)
	got, err := scales.Get(t.Context(), widget())
	if err != nil {
		t.Fatal(err)
	}
	s.foes = 2 // who change something else
	if err := scales.Move(t.Context(), got, 5); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]int32{5, 5, 5}, s.puts); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

func TestMove_leaves_a_size_that_moved_meanwhile(t *testing.T) {
	s := newServer()
	scales := NewScales(s, s, nil, nil)
	got, err := scales.Get(t.Context(), widget())
	if err != nil {
		t.Fatal(err)
	}
	s.scale.Spec.Replicas = 40
	s.bump()
	if err := scales.Move(t.Context(), got, 5); !errors.Is(err, loop.ErrMoved) {
		t.Errorf("Move: %v, want %v", err, loop.ErrMoved)
	}
	if diff := cmp.Diff([]int32{5}, s.puts); diff != "" || s.scale.Spec.Replicas != 40 {
		t.Errorf("size %d, writes (-want +got):\n%s", s.scale.Spec.Replicas, diff)
	}
}

func TestMove_shows_the_next_reader_the_size_that_it_met(t *testing.T) {
	s := newServer()
	now := time.Unix(1_800_000_000, 0)
	scales := NewScales(s, s, nil, func() time.Time { return now })
	got, err := scales.Get(t.Context(), widget())
	if err != nil {
		t.Fatal(err)
	}
	s.scale.Spec.Replicas = 40
	s.bump()
	if err := scales.Move(t.Context(), got, 5); !errors.Is(err, loop.ErrMoved) {
		t.Errorf("Move: %v, want %v", err, loop.ErrMoved)
	}
	if got, err = scales.Get(t.Context(), widget()); err != nil || got.Replicas.Spec != 40 {
		t.Errorf("size %d (%v) at the next look, want 40", got.Replicas.Spec, err)
	}
	if len(s.puts) != 0 {
		t.Errorf("wrote %v on an answer that was kept", s.puts)
	}
}

func TestMove_gives_up_after_a_storm_of_conflicts(t *testing.T) {
	s := newServer()
	scales := NewScales(s, s, nil, nil)
	got, err := scales.Get(t.Context(), widget())
	if err != nil {
		t.Fatal(err)
	}
	s.foes = 100
	if err := scales.Move(t.Context(), got, 5); !apierrors.IsConflict(err) {
		t.Errorf("Move: %v, want a conflict", err)
	}
	if len(s.puts) != 5 {
		t.Errorf("%d writes, want 5", len(s.puts))
	}
}
