package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// finish notes what came of a read, passes its place on and tells the users.
func (p *Pool) finish(ctx context.Context, r *reader, a outcome) {
	now := p.clock.Now()
	r.mu.Lock()
	took := now.Sub(r.started)
	in, holds, gone := r.lane, !r.stuck, r.gone
	r.busy, r.stuck, r.cancel = false, false, nil
	if !gone {
		r.note(a, now)
	}
	if r.again {
		r.want(now)
	}
	r.mu.Unlock()

	if !gone {
		r.tally.count(&a, took)
	}
	if holds {
		p.pass(ctx, in)
	}
	if gone {
		p.shut(r)
		return
	}
	p.turns.Wake(r.key)
	r.tell()
}

// note keeps what came of an attempt and sets when the next is due. The lock is held.
func (r *reader) note(a outcome, now time.Time) {
	r.last.Attempted, r.last.Err = now, a.err
	if a.metrics != nil {
		r.last.Metrics = a.metrics
	}
	if a.err != nil {
		r.last.Failures++
		if d, ok := trigger.RetryAfter(a.err); ok {
			r.silence = now.Add(min(d, longest))
		}
		r.due = afterBad(r, r.last.Failures, now)
		return
	}
	if a.sample.At.IsZero() {
		a.sample.At = now
	}
	r.last.Sample, r.last.Failures, r.last.Latency = a.sample, 0, a.latency
	r.due = afterGood(r, &a.sample, now)
}

// pass gives a place to the next reader that waits for one.
func (p *Pool) pass(ctx context.Context, in lane) {
	for {
		key, passed := p.lanes.leave(in)
		if !passed {
			return
		}
		if r := p.reader(key); r != nil && p.resume(ctx, r, in) {
			p.turns.Wake(key) // which finds it busy and comes back when it is overdue
			return
		}
	}
}

// resume begins the read of a reader that waited, if it still does.
func (p *Pool) resume(ctx context.Context, r *reader, in lane) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.waiting || r.gone || ctx.Err() != nil {
		return false
	}
	p.begin(ctx, r, in)
	return true
}

// overdue deals with a read that outlived its timeout: the source does not heed
// its context. It gives its place up, and there is no second read beside it: as
// long as it lasts, each turn counts as one more failed attempt.
func (p *Pool) overdue(ctx context.Context, r *reader, now time.Time) time.Time {
	r.mu.Lock()
	if !r.busy { // it ended just now
		defer r.mu.Unlock()
		return r.due
	}
	first := !r.stuck
	r.stuck = true
	r.last.Attempted, r.last.Failures = now, r.last.Failures+1
	r.last.Err = fmt.Errorf("trigger of type %s has not answered for %s, though it was cancelled", r.kind, now.Sub(r.started).Round(time.Second))
	r.overdue = now.Add(r.every)
	in, next := r.lane, r.overdue
	r.mu.Unlock()
	if first {
		p.options.Log.WarnContext(ctx, "source ignores its timeout", "trigger", r.kind, "owner", r.who(), "users", len(r.users()))
		p.shut(r)
		p.pass(ctx, in)
	}
	r.tally.results[ignored].Inc()
	r.tell()
	return next
}
