package kube

import (
	"sync"
	"time"
)

// asked keeps answers of GET /scale for a while, so that a workload decided
// on ten times a minute is not asked for ten times.
type asked struct {
	clock func() time.Time // nil keeps nothing

	mu      sync.Mutex // guards answers
	answers map[Target]answer
}

type answer struct {
	scale Scale
	at    time.Time
}

func newAsked(clock func() time.Time) *asked {
	return &asked{clock: clock, answers: make(map[Target]answer)}
}

func (a *asked) recall(t Target) (Scale, bool) {
	if a.clock == nil {
		return Scale{}, false
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	got, ok := a.answers[t]
	if !ok || a.clock().Sub(got.at) >= askEvery {
		return Scale{}, false
	}
	return got.scale, true
}

func (a *asked) keep(t Target, s Scale) {
	if a.clock == nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	a.answers[t] = answer{scale: s, at: a.clock()}
}

func (a *asked) forget(t Target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.answers, t)
}
