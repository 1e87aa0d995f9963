package vllm

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Pace is how fast a model reads and writes. The defaults are near those of a 4-billion-parameter model in 8 bits on one
// L40S, the GPU of a g6e.
type Pace struct {
	Prefill float64 // tokens a second that are read
	Single  float64 // tokens a second that one request gets when it is alone
	Total   float64 // tokens a second that all requests get together
	Seats   int     // requests worked on at once; more wait
}

// DefaultPace is that of the walkthrough's model.
func DefaultPace() Pace { return Pace{Prefill: 8000, Single: 90, Total: 2400, Seats: 256} }

// Check says what is wrong with a pace.
func (p Pace) Check() error {
	if !(p.Prefill > 0 && p.Single > 0 && p.Total > 0) || p.Seats < 1 {
		return fmt.Errorf("a pace of %v, %v and %v tokens a second for %d requests at once: all are above zero", p.Prefill, p.Single, p.Total, p.Seats)
	}
	return nil
}

// batch is the requests that a model works on. They share its speed: each gets Single, or its part of Total where that
// is less, and reading counts as the writing that takes as long.
type batch struct {
	pace  Pace
	seats chan struct{} // one for each request that is worked on

	mu      sync.Mutex // guards all below
	running int
	waiting int
	done    float64       // tokens that a request has got that was there from the beginning
	at      time.Time     // when done was right
	changed chan struct{} // closed when running changes, and with it everybody's speed
}

func newBatch(p Pace) *batch {
	return &batch{pace: p, seats: make(chan struct{}, p.Seats), changed: make(chan struct{})}
}

// errGone says that whoever asked has left.
var errGone = errors.New("the client is gone")

// work takes as long as reading and writing so many tokens does.
func (b *batch) work(ctx context.Context, read, write int) error {
	b.wait(1)
	select {
	case b.seats <- struct{}{}:
		b.wait(-1)
	case <-ctx.Done():
		b.wait(-1)
		return errGone
	}
	defer func() { <-b.seats }()
	goal := b.enter(float64(write) + float64(read)*b.pace.Single/b.pace.Prefill)
	defer b.leave()
	for {
		left, changed := b.left(goal)
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C:
		case <-changed:
		case <-ctx.Done():
			timer.Stop()
			return errGone
		}
		timer.Stop()
	}
}

// left is how long it takes to the goal at the present speed, and what tells when that changes.
func (b *batch) left(goal float64) (time.Duration, <-chan struct{}) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	const enough = 1e-6 // of a token: below what a timer can tell
	if goal-b.done < enough {
		return 0, nil
	}
	return time.Duration((goal-b.done)/b.speed()*float64(time.Second)) + 1, b.changed
}

// speed needs mu.
func (b *batch) speed() float64 {
	return min(b.pace.Single, b.pace.Total/float64(max(b.running, 1)))
}

// advance needs mu.
func (b *batch) advance() {
	now := time.Now()
	if b.running > 0 {
		b.done += now.Sub(b.at).Seconds() * b.speed()
	}
	b.at = now
}

func (b *batch) enter(tokens float64) (goal float64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	b.change(1)
	return b.done + tokens
}

func (b *batch) leave() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.advance()
	b.change(-1)
}

// change needs mu.
func (b *batch) change(n int) {
	b.running += n
	if b.running == 0 {
		b.done = 0 // nobody counts from it any more, and small numbers are exact
	}
	close(b.changed)
	b.changed = make(chan struct{})
}

func (b *batch) wait(n int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.waiting += n
}

// load gives how many requests are worked on and how many wait.
func (b *batch) load() (running, waiting int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.running, b.waiting
}
