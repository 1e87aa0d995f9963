package pool

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// constant is a source whose reads cost nothing.
type constant struct{}

func (constant) Read(context.Context) (trigger.Sample, error) { return trigger.Sample{Value: 5}, nil }
func (constant) Close() error                                 { return nil }

func free(key string) recipe {
	return recipe{key: key, kind: "constant", open: func(context.Context, trigger.Env) (trigger.Source, error) {
		return constant{}, nil
	}}
}

// running is a pool for a benchmark. Its context is that of the benchmark.
func running(b *testing.B) *Pool {
	b.Helper()
	o := DefaultOptions(trigger.Env{Log: slog.New(slog.DiscardHandler), Now: time.Now})
	o.Spread = 0
	p := New(o)
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = p.Run(ctx)
	}()
	b.Cleanup(func() { stop(); <-ended })
	return p
}

// BenchmarkRead is one turn of a source, from being due to its users being told.
func BenchmarkRead(b *testing.B) {
	p := running(b)
	told := make(chan struct{}, 1)
	l := p.use("a", free("k"), time.Hour, func() { told <- struct{}{} })
	<-told
	b.ReportAllocs()
	for b.Loop() {
		l.reader.mu.Lock()
		l.reader.started, l.reader.due = time.Time{}, time.Time{}
		l.reader.mu.Unlock()
		p.turns.Wake("k")
		<-told
	}
}

// BenchmarkUse10000 is what it takes to begin with 10,000 sources and read each once.
func BenchmarkUse10000(b *testing.B) {
	const sources = 10_000
	b.ReportAllocs()
	for b.Loop() {
		p := running(b)
		told := make(chan struct{}, sources)
		leases := make([]*Lease, 0, sources)
		for i := range sources {
			leases = append(leases, p.use(fmt.Sprint("owner", i), free(fmt.Sprint("key", i)), time.Hour, func() { told <- struct{}{} }))
		}
		for range sources {
			<-told
		}
		for _, l := range leases {
			l.Release()
		}
	}
}

// BenchmarkLast is what a decision pays to see a source.
func BenchmarkLast(b *testing.B) {
	l := New(DefaultOptions(trigger.Env{})).use("a", free("k"), time.Hour, silent)
	b.ReportAllocs()
	for b.Loop() {
		_ = l.Last()
	}
}
