package kube

import (
	"maps"
	"sync"
	"time"
)

// asked keeps answers of GET /scale for a while, so that a workload decided
// on ten times a minute is not asked for ten times.
type asked struct {
	clock func() time.Time // nil keeps nothing

	mu      sync.Mutex // guards what follows
	answers map[Target]answer
	sweep   int // how many answers are worth looking for old ones
}

// sweepAt is the least number of answers at which old ones are dropped: those
// of workloads that are gone.
const sweepAt = 1024

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
	now := a.clock()
	a.answers[t] = answer{scale: s, at: now}
	if len(a.answers) < max(a.sweep, sweepAt) {
		return
	}
	maps.DeleteFunc(a.answers, func(_ Target, old answer) bool { return now.Sub(old.at) >= askEvery })
	a.sweep = 2 * len(a.answers)
}

func (a *asked) forget(t Target) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.answers, t)
}
