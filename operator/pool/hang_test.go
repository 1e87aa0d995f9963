package pool

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/trigger"
)

// hangs waits until its context ends.
func hangs(ctx context.Context, _ int) (trigger.Sample, error) {
	<-ctx.Done()
	return trigger.Sample{}, context.Cause(ctx)
}

func TestPool_gives_up_after_the_timeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(hangs)
		l := p.use("a", f.recipe("k"), 30*s, silent)
		time.Sleep(3*s - time.Nanosecond)
		synctest.Wait()
		if got := l.Last(); got.Err != nil {
			t.Errorf("before 3 s: %v", got.Err)
		}
		time.Sleep(time.Nanosecond)
		synctest.Wait()
		if got := l.Last(); got.Failures != 1 {
			t.Errorf("after 3 s: %+v, want one failure", got)
		}
		time.Sleep(300 * s)
		synctest.Wait()
		if _, _, most := f.counts(); most != 1 {
			t.Errorf("%d reads at once, want 1", most)
		}
	})
}

func TestPool_lets_those_that_hang_take_no_place_from_others(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t, func(o *Options) { o.Reads = 4 })
		hung := newFake(hangs)
		for i := range 200 {
			p.use("a", hung.recipe(fmt.Sprint("hung", i)), 30*s, silent)
		}
		time.Sleep(600 * s) // all of them are known to hang
		good := make([]*fake, 0, 40)
		for i := range 40 {
			f := newFake(func(context.Context, int) (trigger.Sample, error) {
				time.Sleep(s / 10)
				return trigger.Sample{}, nil
			})
			p.use("a", f.recipe(fmt.Sprint("good", i)), 30*s, silent)
			good = append(good, f)
		}
		time.Sleep(7 * s)
		if n := total(good); n < 40 {
			t.Errorf("%d of 40 good ones were read within 7 s", n)
		}
		if _, _, most := hung.counts(); most > 8 {
			t.Errorf("%d of those that hang at once, want at most 4 in each lane", most)
		}
	})
}

func TestPool_never_reads_beside_a_read_that_ignores_its_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		p := start(t, func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		release := make(chan struct{})
		f := newFake(func(ctx context.Context, n int) (trigger.Sample, error) {
			if n == 1 {
				<-release
			}
			return answers(ctx, n)
		})
		l := p.use("a", f.recipe("k"), 10*s, silent)
		time.Sleep(3*s + grace)
		synctest.Wait()
		if got := l.Last(); got.Failures != 1 || got.Err == nil {
			t.Errorf("after the timeout: %+v, want one failure", got)
		}
		time.Sleep(30 * s)
		synctest.Wait()
		if got := l.Last(); got.Failures != 4 {
			t.Errorf("%d failures half a minute later, want one an interval, 4", got.Failures)
		}
		if n := len(f.reads()); n != 1 {
			t.Errorf("%d reads, want none beside the one that hangs", n)
		}
		close(release)
		time.Sleep(20 * s)
		synctest.Wait()
		if got := l.Last(); got.Failures != 0 || got.Sample.Value != 5 {
			t.Errorf("after it ended: %+v, want a sample", got)
		}
		if n := strings.Count(log.String(), "\n"); n != 1 || !strings.Contains(log.String(), "ignores its timeout") {
			t.Errorf("log:\n%swant one line on the source", log.String())
		}
	})
}

// slow is a source with a timeout of its user's.
type slow struct{ *open }

func (slow) Timeout() time.Duration { return 20 * time.Second }

func TestPool_waits_as_long_as_the_user_of_a_source_said(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(func(ctx context.Context, n int) (trigger.Sample, error) {
			select {
			case <-time.After(15 * time.Second):
				return answers(ctx, n)
			case <-ctx.Done():
				return trigger.Sample{}, ctx.Err()
			}
		})
		r := f.recipe("k")
		r.open = func(context.Context, trigger.Env) (trigger.Source, error) { return slow{&open{fake: f}}, nil }
		l := p.use("a", r, 5*s, silent)
		time.Sleep(16 * s)
		synctest.Wait()
		if got := l.Last(); got.Err != nil || got.Sample.Value != 5 {
			t.Errorf("%+v, want the sample after 15 s", got)
		}
		time.Sleep(100 * s)
		synctest.Wait()
		if _, _, most := f.counts(); most != 1 || l.Last().Err != nil {
			t.Errorf("%d reads at once and %v, want 1 and no error", most, l.Last().Err)
		}
	})
}

func TestPool_bounds_the_opening_of_a_source(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(answers)
		r := f.recipe("k")
		r.open = func(ctx context.Context, _ trigger.Env) (trigger.Source, error) {
			<-ctx.Done()
			return nil, fmt.Errorf("getting credentials: %w", ctx.Err())
		}
		l := p.use("a", r, 60*s, silent)
		time.Sleep(10 * s)
		synctest.Wait()
		if got := l.Last(); got.Failures != 1 || !strings.Contains(got.Err.Error(), "credentials") {
			t.Errorf("%+v, want the reason after 10 s", got)
		}
	})
}

// stubborn is a source whose reads end with it and not before.
type stubborn struct {
	*open
	closed chan struct{}
	once   *sync.Once
}

func (s stubborn) Read(context.Context) (trigger.Sample, error) {
	<-s.closed
	return trigger.Sample{}, net.ErrClosed
}

func (s stubborn) Close() error {
	s.once.Do(func() { close(s.closed) })
	return s.open.Close()
}

func TestPool_closes_a_source_that_nobody_wants_though_its_read_ignores_its_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(answers)
		r := f.recipe("k")
		r.open = func(context.Context, trigger.Env) (trigger.Source, error) {
			return stubborn{&open{fake: f}, make(chan struct{}), new(sync.Once)}, nil
		}
		l := p.use("a", r, 30*s, silent)
		time.Sleep(s)
		l.Release()
		synctest.Wait()
		if _, closed, _ := f.counts(); closed != 1 {
			t.Errorf("closed %d times, want once", closed)
		}
	})
}

func TestPool_closes_all_sources_at_its_end(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := New(DefaultOptions(trigger.Env{Log: slog.New(slog.DiscardHandler)})), newFake(answers)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error)
		go func() { ended <- p.Run(ctx) }()
		for i := range 5 {
			p.use("a", f.recipe(fmt.Sprint(i)), 30*s, silent)
		}
		time.Sleep(s)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if opened, closed, _ := f.counts(); opened != 5 || closed != 5 {
			t.Errorf("opened %d and closed %d, want 5 and 5", opened, closed)
		}
	})
}

func TestPool_cancels_the_read_of_a_source_that_nobody_wants(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(hangs)
		l := p.use("a", f.recipe("k"), 30*s, silent)
		time.Sleep(s)
		l.Release()
		synctest.Wait()
		if opened, closed, _ := f.counts(); opened != 1 || closed != 1 {
			t.Errorf("opened %d, closed %d at once, want 1 and 1", opened, closed)
		}
		again := p.use("a", newFake(answers).recipe("k"), 30*s, silent)
		synctest.Wait()
		if got := again.Last(); got.Sample.Value != 5 {
			t.Errorf("used again: %+v, want a new source", got)
		}
	})
}
