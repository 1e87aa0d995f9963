package pool

import (
	"context"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// fake is a source that does what a test says, and notes when it was asked.
type fake struct {
	begin time.Time
	read  func(ctx context.Context, n int) (trigger.Sample, error) // n counts reads of all its sources from 1
	open  func(n int) error

	mu     sync.Mutex // guards the fields below
	opened int
	closed int
	asked  []time.Duration
	now    int // reads under way
	most   int // reads under way at once
}

func newFake(read func(context.Context, int) (trigger.Sample, error)) *fake {
	return &fake{begin: time.Now(), read: read}
}

// answers is a read that gives n as the value of the n-th.
func answers(context.Context, int) (trigger.Sample, error) {
	return trigger.Sample{At: time.Now(), Value: 5}, nil
}

func (f *fake) recipe(key string) recipe {
	return recipe{key: key, kind: "fake", metrics: []trigger.Metric{{Name: "fake", Target: 5}}, open: f.source}
}

func (f *fake) source(context.Context, trigger.Env) (trigger.Source, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.opened++
	if f.open != nil {
		if err := f.open(f.opened); err != nil {
			return nil, err
		}
	}
	return &open{fake: f}, nil
}

// reads are the instants of the reads since the beginning.
func (f *fake) reads() []time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	return append([]time.Duration(nil), f.asked...)
}

func (f *fake) counts() (opened, closed, most int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.opened, f.closed, f.most
}

// open is an open source of a fake.
type open struct {
	*fake
	once sync.Once
}

func (o *open) Read(ctx context.Context) (trigger.Sample, error) {
	o.mu.Lock()
	o.asked = append(o.asked, time.Since(o.begin))
	n := len(o.asked)
	o.now++
	o.most = max(o.most, o.now)
	o.mu.Unlock()
	defer func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.now--
	}()
	return o.read(ctx, n)
}

func (o *open) Close() error {
	o.once.Do(func() {
		o.mu.Lock()
		defer o.mu.Unlock()
		o.closed++
	})
	return nil
}

// start runs a pool until the test ends.
func start(t *testing.T, change ...func(*Options)) *Pool {
	t.Helper()
	o := DefaultOptions(trigger.Env{Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	for _, c := range change {
		c(&o)
	}
	p := New(o)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- p.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	return p
}

func silent() {}

// second is when a source that began at once is read the second time: at a
// phase of its own.
func second(key string, every time.Duration) time.Duration {
	return max(shortest, part(every, key, 0))
}
