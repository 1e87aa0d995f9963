package pool

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
)

const (
	// opening bounds how long a source may take to open, such as to get credentials.
	opening = 10 * time.Second
	// mostPatient bounds the timeout that a user may give a trigger.
	mostPatient = 5 * time.Minute
	// grace is how long a source may take to notice that it was cancelled.
	grace = time.Second
)

// turn begins the read that is due for a key, or says when to look again.
func (p *Pool) turn(ctx context.Context, key string, t schedule.Turn) (time.Time, error) {
	r := p.reader(key)
	if r == nil {
		return time.Time{}, nil
	}
	r.mu.Lock()
	switch {
	case r.busy && t.At.Before(r.overdue):
		defer r.mu.Unlock()
		return r.overdue, nil
	case r.busy:
		r.mu.Unlock()
		return p.overdue(ctx, r, t.At), nil
	case r.waiting || r.gone:
		defer r.mu.Unlock()
		return time.Time{}, nil // whoever makes room wakes it
	case t.At.Before(r.due):
		defer r.mu.Unlock()
		return r.due, nil
	}
	defer r.mu.Unlock()
	in := r.stand()
	if r.waiting = !p.lanes.take(in, key); r.waiting {
		return time.Time{}, nil
	}
	p.begin(ctx, r, in)
	return r.overdue, nil
}

// begin starts a read that has its place. The lock of the reader is held.
func (p *Pool) begin(ctx context.Context, r *reader, in lane) {
	r.started = p.clock.Now()
	r.overdue = r.started.Add(opening + grace)
	if r.source != nil {
		r.overdue = r.started.Add(p.timeout(r.source) + grace)
	}
	r.busy, r.stuck, r.again, r.waiting, r.lane = true, false, false, false, in
	attempt, cancel := context.WithCancel(ctx)
	r.cancel = cancel
	p.work.Go(func() {
		defer cancel()
		p.finish(ctx, r, p.attempt(attempt, r))
	})
}

func (p *Pool) timeout(s trigger.Source) time.Duration {
	if s, ok := s.(Patient); ok && s.Timeout() > 0 {
		return min(s.Timeout(), mostPatient)
	}
	return p.options.Timeout
}

// outcome is what came of one try at a source.
type outcome struct {
	sample  trigger.Sample
	metrics []trigger.Metric // of a described source
	latency time.Duration
	late    bool // the timeout passed
	err     error
}

// attempt reads once. A source that used to answer may only have a connection
// that went stale, or credentials that were replaced: then a new one gets its
// chance at once, and the failure does not count.
func (p *Pool) attempt(ctx context.Context, r *reader) outcome {
	r.mu.Lock()
	s, failed := r.source, r.last.Failures > 0
	r.mu.Unlock()
	if s == nil {
		return p.openAndRead(ctx, r)
	}
	a := p.read(ctx, r, s)
	if a.err == nil || ctx.Err() != nil || !p.rebuild(r, a.err) || failed || a.late {
		return a
	}
	return p.openAndRead(ctx, r)
}

// rebuild closes a source after an error, unless the server asked to wait or
// its stream shows that it is well connected.
func (p *Pool) rebuild(r *reader, err error) bool {
	if _, asked := trigger.RetryAfter(err); asked || r.streaming() {
		return false
	}
	p.shut(r)
	return true
}

func (p *Pool) openAndRead(ctx context.Context, r *reader) outcome {
	s, err := p.open(ctx, r)
	if err != nil {
		return outcome{err: err}
	}
	if !p.install(ctx, r, s) {
		return outcome{err: context.Canceled}
	}
	a := p.read(ctx, r, s)
	if a.err != nil {
		p.rebuild(r, a.err)
	}
	return a
}

func (p *Pool) open(ctx context.Context, r *reader) (s trigger.Source, err error) {
	ctx, cancel := context.WithTimeout(ctx, opening)
	defer cancel()
	err = safely(r.kind, func() (err error) {
		s, err = r.open(ctx, p.options.Env)
		return err
	})
	return s, err
}

// install makes an opened source the reader's, and listens to it where it
// speaks first; false when nobody wants it any more.
func (p *Pool) install(ctx context.Context, r *reader, s trigger.Source) bool {
	r.mu.Lock()
	r.source = s
	if r.gone || ctx.Err() != nil {
		r.mu.Unlock()
		p.shut(r)
		return false
	}
	r.overdue = p.clock.Now().Add(p.timeout(s) + grace)
	if w, ok := s.(trigger.Watcher); ok {
		r.stream = p.listen(ctx, r, w)
	}
	r.mu.Unlock()
	p.turns.Wake(r.key) // to learn when it is overdue now
	return true
}

// read asks an open source, within its timeout.
func (p *Pool) read(ctx context.Context, r *reader, s trigger.Source) (a outcome) {
	ctx, cancel := context.WithTimeout(ctx, p.timeout(s))
	defer cancel()
	begun := p.clock.Now()
	a.err = safely(r.kind, func() (err error) {
		if d, ok := s.(trigger.Described); ok {
			if a.metrics, err = d.Metrics(ctx); err != nil {
				return err
			}
		}
		a.sample, err = s.Read(ctx)
		return err
	})
	a.latency = p.clock.Now().Sub(begun)
	a.late = ctx.Err() != nil
	return a
}

// safely turns a panic into an error: one trigger's bug is not the end of all.
func safely(kind string, f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("trigger of type %s: its code panicked (please report this): %v", kind, v)
		}
	}()
	return f()
}
