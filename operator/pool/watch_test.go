package pool

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
)

// pushing is a described source that speaks when its channel does.
type pushing struct {
	*open
	says    chan trigger.Sample
	breaks  chan error
	watched chan time.Duration
}

func (p pushing) Watch(ctx context.Context, emit func(trigger.Sample)) error {
	p.watched <- time.Since(p.begin)
	for {
		select {
		case s := <-p.says:
			emit(s)
		case err := <-p.breaks:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// described is pushing that names its metrics itself.
type described struct{ pushing }

func (described) Metrics(context.Context) ([]trigger.Metric, error) {
	return []trigger.Metric{{Name: "remote", Target: 10}}, nil
}

func newPushing(f *fake) pushing {
	return pushing{
		open: &open{fake: f}, says: make(chan trigger.Sample), breaks: make(chan error),
		watched: make(chan time.Duration, 100),
	}
}

// pushing opens a described source that never says anything.
func (f *fake) pushing(ctx context.Context, e trigger.Env) (trigger.Source, error) {
	s, err := f.source(ctx, e)
	if err != nil {
		return nil, err
	}
	p := newPushing(f)
	p.open, _ = s.(*open)
	return described{p}, nil
}

func opens(f *fake, s trigger.Source) recipe {
	r := f.recipe("k")
	r.open = func(context.Context, trigger.Env) (trigger.Source, error) { return s, nil }
	return r
}

func parts(value float64) func(context.Context, int) (trigger.Sample, error) {
	return func(context.Context, int) (trigger.Sample, error) {
		return trigger.Sample{At: time.Now(), Active: new(bool), Parts: []trigger.Part{{Metric: "remote", Value: value}}}, nil
	}
}

func TestPool_tells_of_pushed_work_at_once_and_reads_the_values(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(parts(3))
		source := described{newPushing(f)}
		var told atomic.Int32
		l := p.use("a", opens(f, source), 300*s, func() { told.Add(1) })
		time.Sleep(100 * s)
		source.says <- trigger.Sample{Active: new(true)}
		synctest.Wait()
		got := l.Last()
		want := Reading{
			Sample:    trigger.Sample{At: f.begin.Add(100 * s), Active: new(bool), Parts: []trigger.Part{{Metric: "remote", Value: 3}}},
			Metrics:   []trigger.Metric{{Name: "remote", Target: 10}},
			Attempted: f.begin.Add(100 * s),
			Pushed:    f.begin.Add(100 * s), // stands, though the read says that there is nothing to do
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("after the push (-want +got):\n%s", diff)
		}
		for range 10 { // however fast it speaks, it is read once a second
			source.says <- trigger.Sample{Active: new(true)}
		}
		synctest.Wait()
		if n := len(f.reads()); n != 3 {
			t.Errorf("%d reads at once, want only one for the first push: %v", n, f.reads())
		}
		time.Sleep(3 * s)
		synctest.Wait()
		if n := len(f.reads()); n != 4 {
			t.Errorf("%d reads, want one more for the rest: %v", n, f.reads())
		}
		if n := told.Load(); n != 15 {
			t.Errorf("told %d times, want 4 reads and 11 pushes", n)
		}
	})
}

func TestPool_takes_a_pushed_value_as_it_takes_a_read_one(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		f := newFake(func(context.Context, int) (trigger.Sample, error) { return trigger.Sample{}, errors.New("no") })
		source := newPushing(f)
		l := p.use("a", opens(f, source), 300*s, silent)
		time.Sleep(2 * s)
		source.says <- trigger.Sample{At: time.Now(), Value: 12}
		synctest.Wait()
		if got := l.Last(); got.Sample.Value != 12 || got.Err != nil || got.Failures != 0 {
			t.Errorf("%+v, want the pushed 12", got)
		}
	})
}

func TestPool_opens_a_broken_stream_again_and_says_so_once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := start(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		f := newFake(parts(1))
		source := described{newPushing(f)}
		p.use("a", opens(f, source), 3600*s, silent)
		last := <-source.watched
		for i, most := range []time.Duration{4 * s, 8 * s, 16 * s, 32 * s, 60 * s, 60 * s, 60 * s} {
			source.breaks <- errors.New("connection refused")
			at := <-source.watched
			if d := at - last; d < most/2 || d > most {
				t.Errorf("attempt %d after %s, want %s to %s", i+2, d, most/2, most)
			}
			last = at
		}
		source.says <- trigger.Sample{Active: new(true)}
		source.breaks <- errors.New("connection reset")
		if d := <-source.watched - last; d > 2*s {
			t.Errorf("after a word, it was opened after %s, want the shortest wait again", d)
		}
		text := log.String()
		if strings.Count(text, "\n") != 2 || !strings.Contains(text, "push stream breaks") || !strings.Contains(text, "push stream is back") {
			t.Errorf("log:\n%swant one line when it broke and one when it was back", text)
		}
	})
}

func TestPool_keeps_a_stream_though_reads_fail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		f := newFake(func(_ context.Context, n int) (trigger.Sample, error) {
			if n > 1 {
				return trigger.Sample{}, errors.New("no")
			}
			return trigger.Sample{At: time.Now()}, nil
		})
		source := described{newPushing(f)}
		l := p.use("a", opens(f, source), 10*s, silent)
		source.says <- trigger.Sample{Active: new(true)}
		time.Sleep(60 * s)
		synctest.Wait()
		if _, closed, _ := f.counts(); closed != 0 || l.Last().Failures < 3 {
			t.Errorf("closed %d times after %d failures, want the stream to go on", closed, l.Last().Failures)
		}
		l.Release()
		synctest.Wait()
		if _, closed, _ := f.counts(); closed != 1 {
			t.Errorf("closed %d times at the end, want once", closed)
		}
	})
}
