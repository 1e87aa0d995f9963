// Package schedule owns real time: it gives each key its turn at the instant
// the last turn asked for, or as soon as somebody wakes it.
//
// There is one heap and one timer for all keys, and no goroutine per key.
package schedule

import (
	"container/heap"
	"context"
	"fmt"
	"sync"
	"time"
)

// Turn is one run of a key.
type Turn struct {
	// At is the instant of the run.
	At time.Time
	// Woken is when the first Wake that led to it came; zero when only the timer
	// did, or a WakeWithin, which is one that may wait.
	Woken time.Time
}

// Work does what is due for a key. It returns when the key is due again; zero
// means only when woken. After an error the key comes back with a growing
// delay. The pace of the key comes before both.
type Work[K comparable] func(ctx context.Context, key K, t Turn) (next time.Time, err error)

// Config bounds a [Schedule].
type Config struct {
	// Workers is how many keys may be at work at the same time; at least 1.
	Workers int
	// Gap is the least time between two turns of a key, see [Schedule.Pace].
	Gap time.Duration
	// Retry is the delay after the first error; it doubles up to RetryMax.
	Retry, RetryMax time.Duration
}

// Schedule runs a [Work] for each of its keys, one turn of a key at a time. It
// is safe for concurrent use.
type Schedule[K comparable] struct {
	config Config
	work   Work[K]
	kick   chan struct{} // holds one token when the heap's top may have changed
	turns  chan *entry[K]

	mu      sync.Mutex // guards the fields below and all entries
	entries map[K]*entry[K]
	due     queue[K]
}

// entry is the state of one key.
type entry[K comparable] struct {
	key     K
	due     time.Time
	index   int // in the heap, or idle
	running bool
	again   bool // woken while running
	dropped bool // dropped while running
	woken   time.Time
	last    time.Time // begin of the last turn
	gap     time.Duration
	errors  int // in a row
}

// idle is the index of an entry that is not in the heap.
const idle = -1

// New returns a schedule without keys. It does nothing until [Schedule.Run].
func New[K comparable](c Config, w Work[K]) *Schedule[K] {
	c.Workers = max(c.Workers, 1)
	return &Schedule[K]{
		config:  c,
		work:    w,
		kick:    make(chan struct{}, 1),
		turns:   make(chan *entry[K]),
		entries: make(map[K]*entry[K]),
	}
}

// Run gives turns until ctx ends, then waits for those under way and returns nil.
func (s *Schedule[K]) Run(ctx context.Context) error {
	var workers sync.WaitGroup
	for range s.config.Workers {
		workers.Go(func() {
			for e := range s.turns {
				s.run(ctx, e)
			}
		})
	}
	s.dispatch(ctx)
	close(s.turns)
	workers.Wait()
	return nil
}

// Wake gives a key its turn as soon as its pace allows, and makes the key
// known if it was not.
func (s *Schedule[K]) Wake(key K) { s.wake(key, 0) }

// WakeWithin is Wake at an instant within the given time that depends on the
// key, so that many keys that begin together do not stay in step.
func (s *Schedule[K]) WakeWithin(key K, spread time.Duration) { s.wake(key, spread) }

// Pace sets the least time between the beginnings of two turns of one key,
// whatever the reason of the second; zero restores the schedule's own.
func (s *Schedule[K]) Pace(key K, gap time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(key)
	e.gap = gap
	if e.index == idle {
		return
	}
	if at := s.soonest(e, e.due); at.After(e.due) {
		e.due = at
		heap.Fix(&s.due, e.index)
	}
}

// Drop forgets a key. A turn under way ends; there is no other after it.
func (s *Schedule[K]) Drop(key K) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entries[key]
	if e == nil {
		return
	}
	if e.running {
		e.dropped = true
		return
	}
	s.remove(e)
}

// Len is the number of keys.
func (s *Schedule[K]) Len() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.entries)
}

// Late is for how long the turn that waits, or is under way, longest has been due.
func (s *Schedule[K]) Late() time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first time.Time
	for _, e := range s.entries {
		if e.running || e.index != idle {
			first = earlier(first, e.due)
		}
	}
	if first.IsZero() {
		return 0
	}
	return max(time.Since(first), 0)
}

func (s *Schedule[K]) wake(key K, spread time.Duration) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.entry(key)
	e.dropped = false
	if e.woken.IsZero() && spread == 0 {
		e.woken = now
	}
	if e.running {
		e.again = true
		return
	}
	at := s.soonest(e, now)
	if spread > 0 {
		at = at.Add(time.Duration(fraction(key) * float64(spread)))
	}
	s.advance(e, at)
}

// entry returns the state of a key, new if need be. The lock is held.
func (s *Schedule[K]) entry(key K) *entry[K] {
	e := s.entries[key]
	if e == nil {
		e = &entry[K]{key: key, index: idle}
		s.entries[key] = e
	}
	return e
}

// soonest is the first instant, from the given one on, that the pace of a key allows.
func (s *Schedule[K]) soonest(e *entry[K], from time.Time) time.Time {
	gap := e.gap
	if gap == 0 {
		gap = s.config.Gap
	}
	if e.last.IsZero() || from.Sub(e.last) >= gap {
		return from
	}
	return e.last.Add(gap)
}

// advance makes a key due at the given instant unless it is due earlier.
func (s *Schedule[K]) advance(e *entry[K], at time.Time) {
	switch {
	case e.index == idle:
		e.due = at
		heap.Push(&s.due, e)
	case at.Before(e.due):
		e.due = at
		heap.Fix(&s.due, e.index)
	default:
		return
	}
	if e.index == 0 {
		s.nudge()
	}
}

// nudge tells the dispatcher to look at the heap's top again.
func (s *Schedule[K]) nudge() {
	select {
	case s.kick <- struct{}{}:
	default:
	}
}

// dispatch hands keys that are due to the workers until ctx ends.
func (s *Schedule[K]) dispatch(ctx context.Context) {
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		e, wait := s.take()
		if e != nil {
			select {
			case s.turns <- e:
				continue
			case <-ctx.Done():
				return
			}
		}
		timer.Reset(wait)
		select {
		case <-timer.C:
		case <-s.kick:
		case <-ctx.Done():
			return
		}
	}
}

// take removes the key that is due, or tells how long to wait for the next.
func (s *Schedule[K]) take() (*entry[K], time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.due) == 0 {
		return nil, time.Hour
	}
	e := s.due[0]
	if wait := time.Until(e.due); wait > 0 {
		return nil, wait
	}
	heap.Pop(&s.due)
	e.running = true
	return e, 0
}

// run does one turn and files the key for the next.
func (s *Schedule[K]) run(ctx context.Context, e *entry[K]) {
	now := time.Now()
	s.mu.Lock()
	t := Turn{At: now, Woken: e.woken}
	e.woken, e.last = time.Time{}, now
	s.mu.Unlock()

	next, err := s.work(ctx, e.key, t)

	s.mu.Lock()
	defer s.mu.Unlock()
	e.running = false
	if e.dropped {
		s.remove(e)
		return
	}
	now = time.Now()
	if err != nil {
		next = earlier(next, now.Add(s.delay(e)))
		e.errors++
	} else {
		e.errors = 0
	}
	if e.again {
		e.again = false
		next = earlier(next, now)
	}
	if !next.IsZero() {
		s.advance(e, s.soonest(e, next))
	}
}

// delay is how long to wait after an error: doubling, and spread by a tenth so
// that keys which failed together do not come back together.
func (s *Schedule[K]) delay(e *entry[K]) time.Duration {
	d := s.config.Retry
	for range e.errors {
		if d >= s.config.RetryMax {
			break
		}
		d *= 2
	}
	d = min(d, max(s.config.RetryMax, s.config.Retry))
	return d + time.Duration(fraction(e.key)*float64(d)/10)
}

func (s *Schedule[K]) remove(e *entry[K]) {
	if e.index != idle {
		heap.Remove(&s.due, e.index)
	}
	delete(s.entries, e.key)
}

// earlier is the earlier of two instants, where zero means never.
func earlier(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// fraction maps a key to 0 <= f < 1, always the same.
func fraction[K comparable](key K) float64 {
	const offset, prime = 2166136261, 16777619 // FNV-1a
	h := uint32(offset)
	for _, b := range fmt.Append(nil, key) {
		h = (h ^ uint32(b)) * prime
	}
	h = (h ^ h>>16) * 0x85ebca6b // murmur3's end: similar names end up far apart
	h = (h ^ h>>13) * 0xc2b2ae35
	h ^= h >> 16
	return float64(h) / (1 << 32)
}
