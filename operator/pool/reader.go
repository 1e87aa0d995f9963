package pool

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// reader is one source and what is known of it. There is no goroutine of a
// reader but for a read under way and for the stream of a source that pushes.
type reader struct {
	recipe
	tally tally

	mu     sync.Mutex // guards the fields below
	leases []*Lease   // replaced, never changed: who has read the slice may keep it
	gone   bool       // has no lease any more, or the pool has ended
	every  time.Duration
	spread bool      // has left the company of those that began with it
	due    time.Time // when the next read may begin

	// hurried is when the last read began, or will, that somebody asked for.
	hurried time.Time
	// silence is until when the server asked to be left alone.
	silence time.Time

	waiting bool // for a place in a lane
	busy    bool // a read is under way
	again   bool // one more was asked for meanwhile
	lane    lane // that the read under way is in
	stuck   bool // the read under way has outlived its timeout and gave its place up
	started time.Time
	overdue time.Time          // when the read under way counts as stuck
	cancel  context.CancelFunc // ends the read under way
	stream  *stream            // of a source that pushes
	source  trigger.Source     // nil until it is opened
	last    Reading
}

func newReader(c recipe, t tally) *reader { return &reader{recipe: c, tally: t} }

// add takes a user on, and says whether the next read is sooner for it.
func (r *reader) add(l *Lease) (sooner bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leases = append(slices.Clip(r.leases), l)
	first := r.every == 0
	if !first && l.every >= r.every {
		return false
	}
	r.every = l.every
	if due := r.started.Add(r.every); !first && due.Before(r.due) {
		r.due = due
	}
	return !first
}

// remove lets a user go, and says whether it was the last.
func (r *reader) remove(l *Lease) (unused bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.leases = slices.DeleteFunc(slices.Clone(r.leases), func(o *Lease) bool { return o == l })
	if len(r.leases) == 0 {
		return true
	}
	r.every = slices.MinFunc(r.leases, func(a, b *Lease) int { return int(a.every - b.every) }).every
	return false
}

// hurry asks for a read not to wait for its turn. One that is under way, or
// began within the last second, will do.
func (r *reader) hurry(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.busy && now.Sub(r.started) >= shortest {
		r.want(now)
	}
}

// want asks for a read now, or right after the one under way, though not more
// than one each second, and not sooner than the server allows. The lock is held.
func (r *reader) want(now time.Time) {
	if r.busy {
		r.again = true
		return
	}
	at := later(later(now, r.hurried.Add(shortest)), r.silence)
	if at.Before(r.due) {
		r.due, r.hurried = at, at
	}
}

func (r *reader) reading() Reading {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.last
}

// users are those to be told of something new.
func (r *reader) users() []*Lease {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.leases
}

// who names a user for the log; the others have the same trouble.
func (r *reader) who() string {
	users := r.users()
	if len(users) == 0 {
		return ""
	}
	return users[0].owner
}

// tell calls every user; no lock is held.
func (r *reader) tell() {
	for _, l := range r.users() {
		l.notify()
	}
}

// stand is the lane that the next read belongs in. The lock is held.
func (r *reader) stand() lane {
	if r.last.Failures > 0 {
		return suspect
	}
	return sound
}

// retire ends a reader for good: what is under way is cancelled, and the
// source closed, which ends a read that does not heed its context.
func (p *Pool) retire(r *reader) {
	r.mu.Lock()
	r.gone = true
	cancel := r.cancel
	r.mu.Unlock()
	if cancel != nil {
		cancel()
	}
	p.shut(r)
}

// shut closes the source, if there is one, without waiting for it. The next
// read opens another.
func (p *Pool) shut(r *reader) {
	r.mu.Lock()
	s, w := r.source, r.stream
	r.source, r.stream = nil, nil
	r.mu.Unlock()
	if w != nil {
		w.cancel()
	}
	if s == nil {
		return
	}
	p.work.Go(func() {
		if err := safely(r.kind, s.Close); err != nil {
			p.options.Log.Debug("source closed with an error", "trigger", r.kind, "error", err)
		}
	})
}
