package pool

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// Reconnection of a stream, as KEDA does it.
const (
	reconnect    = 2 * time.Second
	reconnectMax = time.Minute
)

// stream is the push side of one open source.
type stream struct {
	cancel context.CancelFunc
	up     atomic.Bool // has not broken without a word
}

// streaming says whether the source has a stream that is not known to be broken.
func (r *reader) streaming() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stream != nil && r.stream.up.Load()
}

// listen watches a source until it is closed.
func (p *Pool) listen(ctx context.Context, r *reader, w trigger.Watcher) *stream {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // it outlives the read that opened the source
	s := &stream{cancel: cancel}
	s.up.Store(true)
	p.work.Go(func() {
		defer cancel()
		p.watch(ctx, r, w, s)
	})
	return s
}

// watch keeps a stream open: when it breaks, it is opened again after a while,
// which grows as long as the other side says nothing.
func (p *Pool) watch(ctx context.Context, r *reader, w trigger.Watcher, s *stream) {
	_, described := w.(trigger.Described)
	silent := 0 // streams in a row that broke without a word
	for ctx.Err() == nil {
		heard := false
		err := safely(r.kind, func() error {
			return w.Watch(ctx, func(sample trigger.Sample) {
				if !heard && silent > 1 {
					p.options.Log.InfoContext(ctx, "push stream is back", "trigger", r.kind, "owner", r.who())
				}
				heard = true
				s.up.Store(true)
				p.pushed(ctx, r, sample, described)
			})
		})
		switch {
		case ctx.Err() != nil:
			return
		case heard || err == nil || errors.Is(err, io.EOF):
			silent = 0
		default:
			s.up.Store(false)
			if silent++; silent == 2 { // one broken stream is no news, two in a row are
				p.options.Log.WarnContext(ctx, "push stream breaks", "trigger", r.kind, "owner", r.who(), "error", err)
			}
		}
		wait := min(reconnect<<min(silent, 10), reconnectMax)
		_ = p.clock.Wait(ctx, p.clock.Now().Add(wait/2+part(wait/2, r.key, silent))) // the loop looks at ctx
	}
}

// pushed takes in what a source said by itself.
func (p *Pool) pushed(ctx context.Context, r *reader, s trigger.Sample, described bool) {
	if ctx.Err() != nil {
		return
	}
	now := p.clock.Now()
	news := described && len(s.Parts) == 0 // it has no values, only news of them
	r.mu.Lock()
	if s.Active != nil {
		r.last.Sample.Active = s.Active
		if *s.Active {
			r.last.Pushed = now
		}
	}
	if news {
		r.want(now)
	} else {
		r.note(outcome{sample: s, latency: r.last.Latency}, now)
	}
	r.mu.Unlock()
	if news {
		p.turns.Wake(r.key)
	}
	if !news || s.Active != nil {
		r.tell()
	}
}
