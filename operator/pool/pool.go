// Package pool reads each source once for all who want it, at its own pace,
// and lets none that hangs or fails hold up another.
package pool

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
	"github.com/prometheus/client_golang/prometheus"
)

// Options bound a [Pool].
type Options struct {
	// Env is given to every source.
	Env trigger.Env
	Log *slog.Logger
	// Metrics is where the pool's own metrics are registered; nil keeps them.
	Metrics prometheus.Registerer
	// Timeout bounds one read of a source that asks for no other, see [Patient].
	Timeout time.Duration
	// Reads is how many reads may be under way at once, among those that went
	// well last and, apart from them, among those that failed.
	Reads int
	// Spread is how long the first reads of many sources that begin together take to begin.
	Spread time.Duration
}

// DefaultOptions are those of the operator.
func DefaultOptions(env trigger.Env) Options {
	return Options{
		Env: env, Log: env.Log,
		// KEDA's default for a request, KEDA_HTTP_DEFAULT_TIMEOUT. It is not cut to a
		// shorter polling interval: what needs two seconds to answer, answers then
		// each two seconds and not never.
		Timeout: 3 * time.Second,
		// 10,000 triggers at 30 s of which every second hangs until its timeout
		// keep 500 reads waiting. One that waits costs some ten kilobytes.
		Reads: 1024,
		// 1,000 objects are to be read once within 10 s of a restart.
		Spread: 5 * time.Second,
	}
}

// Patient is a source whose user gave a timeout of its own.
type Patient interface {
	Timeout() time.Duration
}

// shortest is the least interval, and the least time between two reads out of turn.
const shortest = time.Second

// Pool shares sources among their users. It is safe for concurrent use.
type Pool struct {
	options Options
	clock   schedule.Clock
	turns   *schedule.Schedule[string]
	lanes   lanes
	meter   *meter
	work    sync.WaitGroup // reads, streams and closings under way

	mu      sync.Mutex // guards the fields below
	readers map[string]*reader
	owners  map[string]map[*Lease]struct{}
	burst   burst
	tallies map[string]tally // one a kind
}

// New returns a pool without sources. It reads nothing until [Pool.Run].
func New(o Options) *Pool {
	p := &Pool{
		options: o,
		lanes:   lanes{limit: max(o.Reads, 1)},
		readers: make(map[string]*reader),
		owners:  make(map[string]map[*Lease]struct{}),
		tallies: make(map[string]tally),
	}
	p.meter = newMeter(o.Metrics, p)
	// A turn only begins a read, which costs microseconds: two workers are enough.
	p.turns = schedule.New(schedule.Config{Workers: 2}, p.turn)
	return p
}

// closing bounds how long the end of the pool waits for sources that are slow to close.
const closing = 5 * time.Second

// Run reads until ctx ends, then closes all sources and returns nil.
func (p *Pool) Run(ctx context.Context) error {
	err := p.turns.Run(ctx)
	p.mu.Lock()
	all := make([]*reader, 0, len(p.readers))
	for _, r := range p.readers {
		all = append(all, r)
	}
	p.mu.Unlock()
	for _, r := range all {
		p.retire(r)
	}
	p.wait(context.WithoutCancel(ctx))
	return err
}

// wait returns when all that was begun has ended, or after a while with a log line.
func (p *Pool) wait(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, closing)
	defer cancel()
	ended := make(chan struct{})
	go func() { // ends with the last source; one that never ends is left to the end of the process
		p.work.Wait()
		close(ended)
	}()
	select {
	case <-ended:
	case <-ctx.Done():
		p.options.Log.WarnContext(ctx, "left sources that do not close", "after", closing)
	}
}

// Use asks for a source to be read at least at the given interval, and for
// notify to be called whenever there is something new: a sample, an error, a
// recovery. No lock is held then; notify does not block, and several goroutines
// may call it at once. Users whose settings have the same key share one source,
// which is read at the shortest interval asked for.
func (p *Pool) Use(owner string, c trigger.Config, every time.Duration, notify func()) *Lease {
	return p.use(owner, recipe{key: c.Key, kind: c.Kind().Name, metrics: c.Metrics, open: c.Open}, every, notify)
}

// recipe is what the pool takes from a trigger's settings.
type recipe struct {
	key, kind string
	metrics   []trigger.Metric
	open      func(context.Context, trigger.Env) (trigger.Source, error)
}

func (p *Pool) use(owner string, c recipe, every time.Duration, notify func()) *Lease {
	now := p.clock.Now()
	l := &Lease{pool: p, owner: owner, metrics: c.metrics, every: max(every, shortest), notify: notify}
	p.mu.Lock()
	defer p.mu.Unlock()
	r := p.readers[c.key]
	isNew := r == nil
	if isNew {
		r = newReader(c, p.tally(c.kind))
		p.readers[c.key] = r
	}
	l.reader = r
	if p.owners[owner] == nil {
		p.owners[owner] = make(map[*Lease]struct{})
	}
	p.owners[owner][l] = struct{}{}
	sooner := r.add(l)
	switch {
	case isNew:
		p.turns.WakeWithin(c.key, min(p.burst.spread(now, p.options.Spread), l.every))
	case sooner:
		p.turns.Wake(c.key)
	}
	return l
}

// Refresh reads all sources of an owner as soon as possible. What is being
// read, or was within the last second, is not read again for it.
func (p *Pool) Refresh(owner string) {
	now := p.clock.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	for l := range p.owners[owner] {
		l.reader.hurry(now)
		p.turns.Wake(l.reader.key)
	}
}

// Len is the number of sources.
func (p *Pool) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.readers)
}

// tally is shared by the sources of a kind.
func (p *Pool) tally(kind string) tally {
	if t, ok := p.tallies[kind]; ok {
		return t
	}
	t := p.meter.of(kind)
	p.tallies[kind] = t
	return t
}

func (p *Pool) reader(key string) *reader {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.readers[key]
}

// release takes a lease back, and its source when nobody else has one.
func (p *Pool) release(l *Lease) {
	p.mu.Lock()
	own := p.owners[l.owner]
	_, held := own[l]
	delete(own, l)
	if len(own) == 0 {
		delete(p.owners, l.owner)
	}
	r := l.reader
	unused := held && r.remove(l)
	if unused {
		delete(p.readers, r.key)
		p.turns.Drop(r.key)
	}
	p.mu.Unlock()
	if unused {
		p.retire(r)
	}
}
