package pool

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
)

const s = time.Second

func TestPool_reads_once_for_equal_keys_at_the_shortest_interval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(answers)
		told := make(map[string]int)
		p.use("a", f.recipe("k"), 30*s, func() { told["a"]++ })
		synctest.Wait()
		p.use("b", f.recipe("k"), 10*s, func() { told["b"]++ })
		time.Sleep(59 * s)
		synctest.Wait()
		// Together with others at first, then at a phase of its own.
		first := second("k", 30*s)
		want := []time.Duration{0, first, first + 10*s, first + 20*s, first + 30*s, first + 40*s, first + 50*s}
		if diff := cmp.Diff(want, f.reads()); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
		if diff := cmp.Diff(map[string]int{"a": 7, "b": 6}, told); diff != "" {
			t.Errorf("told (-want +got):\n%s", diff)
		}
		if opened, _, _ := f.counts(); opened != 1 || p.Len() != 1 {
			t.Errorf("opened %d sources, pool of %d, want 1 and 1", opened, p.Len())
		}
	})
}

func TestPool_slows_down_when_the_hasty_user_leaves_and_ends_with_the_last(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(answers)
		slow := p.use("a", f.recipe("k"), 60*s, silent)
		fast := p.use("b", f.recipe("k"), 2*s, silent)
		time.Sleep(10 * s)
		synctest.Wait()
		before := len(f.reads())
		fast.Release()
		fast.Release()
		time.Sleep(120 * s)
		synctest.Wait()
		if n := len(f.reads()) - before; n < 2 || n > 3 {
			t.Errorf("%d reads in two minutes at an interval of one, want 2 or 3", n)
		}
		slow.Release()
		synctest.Wait()
		reads := len(f.reads())
		time.Sleep(300 * s)
		synctest.Wait()
		_, closed, _ := f.counts()
		if closed != 1 || p.Len() != 0 || len(f.reads()) != reads {
			t.Errorf("after the last user: %d closed, pool of %d, %d more reads", closed, p.Len(), len(f.reads())-reads)
		}
	})
}

func TestPool_says_what_it_knows(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failing := errors.New("connection refused")
		p, f := start(t), newFake(func(_ context.Context, n int) (trigger.Sample, error) {
			time.Sleep(s / 4)
			if n > 1 {
				return trigger.Sample{}, failing
			}
			return trigger.Sample{At: time.Now(), Value: 7}, nil
		})
		begin := time.Now()
		l := p.use("a", f.recipe("k"), 10*s, silent)
		metrics := []trigger.Metric{{Name: "fake", Target: 5}}
		expect(t, "before the first read", l, Reading{Metrics: metrics})
		time.Sleep(s)
		synctest.Wait()
		sample := trigger.Sample{At: begin.Add(s / 4), Value: 7}
		expect(t, "after it", l, Reading{Metrics: metrics, Sample: sample, Attempted: begin.Add(s / 4), Latency: s / 4})
		time.Sleep(10 * s)
		synctest.Wait()
		got := l.Last()
		if !errors.Is(got.Err, failing) || got.Failures != 1 || !got.Sample.At.Equal(sample.At) {
			t.Errorf("after a failure: %+v, want the old sample, one failure and its reason", got)
		}
	})
}

func expect(t *testing.T, when string, l *Lease, want Reading) {
	t.Helper()
	if diff := cmp.Diff(want, l.Last()); diff != "" {
		t.Errorf("%s (-want +got):\n%s", when, diff)
	}
}

func TestPool_begins_at_once_unless_many_begin_together(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		fakes := make([]*fake, 0, 500)
		for i := range 500 {
			f := newFake(answers)
			p.use("a", f.recipe(fmt.Sprint(i)), 30*s, silent)
			fakes = append(fakes, f)
		}
		synctest.Wait()
		if n := total(fakes); n != together {
			t.Errorf("%d reads at once, want %d", n, together)
		}
		time.Sleep(5*s/2 + s/100)
		synctest.Wait()
		if n := total(fakes); n < 200 || n > 300 {
			t.Errorf("%d reads after half of the spread, want about the half of 500", n)
		}
		time.Sleep(5 * s / 2)
		synctest.Wait()
		for i, f := range fakes {
			if len(f.reads()) == 0 {
				t.Errorf("source %d was not read within the spread", i)
			}
		}
		time.Sleep(60 * s)
		before := total(fakes)
		time.Sleep(3 * s)
		synctest.Wait()
		if n := total(fakes) - before; n < 25 || n > 75 {
			t.Errorf("%d reads in a tenth of the interval, want about 50 of 500", n)
		}
	})
}

func total(fakes []*fake) (n int) {
	for _, f := range fakes {
		n += len(f.reads())
	}
	return n
}

func TestPool_tries_again_within_the_interval_and_never_later(t *testing.T) {
	for _, tc := range []struct {
		name  string
		every time.Duration
		want  func(at time.Duration) (least, most time.Duration)
	}{
		{"at_a_short_interval_as_always", 5 * s, func(time.Duration) (time.Duration, time.Duration) { return 5 * s, 5 * s }},
		{"sooner_than_a_long_one_at_first", 300 * s, func(at time.Duration) (time.Duration, time.Duration) {
			if at < 60*s {
				return 15 * s / 2, 15 * s
			}
			return 15 * s, 300 * s
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p, f := start(t), newFake(func(context.Context, int) (trigger.Sample, error) {
					return trigger.Sample{}, errors.New("no")
				})
				l := p.use("a", f.recipe("k"), tc.every, silent)
				time.Sleep(1800 * s)
				synctest.Wait()
				reads := f.reads()
				for i := 1; i < min(len(reads), patience); i++ {
					least, most := tc.want(reads[i-1])
					if d := reads[i] - reads[i-1]; d < least || d > most {
						t.Errorf("attempt %d came %s after the one before, want %s to %s", i+1, d, least, most)
					}
				}
				for i := 1; i < len(reads); i++ {
					if d := reads[i] - reads[i-1]; d > tc.every {
						t.Errorf("attempt %d came %s after the one before, want at most %s", i+1, d, tc.every)
					}
				}
				if got := l.Last().Failures; got != len(reads) {
					t.Errorf("%d failures counted, want one an attempt, %d", got, len(reads))
				}
			})
		})
	}
}

func TestPool_leaves_a_server_alone_as_long_as_it_asks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(func(ctx context.Context, n int) (trigger.Sample, error) {
			if n == 1 {
				return trigger.Sample{}, fmt.Errorf("reading: %w", &trigger.Throttled{After: 90 * s, Err: errors.New("429")})
			}
			return answers(ctx, n)
		})
		p.use("a", f.recipe("k"), 10*s, silent)
		time.Sleep(5 * s)
		p.Refresh("a")
		time.Sleep(90 * s)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{0, 90 * s, 90*s + second("k", 10*s)}, f.reads()); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
		if opened, _, _ := f.counts(); opened != 1 {
			t.Errorf("opened %d sources, want the one that works to be kept", opened)
		}
	})
}

func TestPool_opens_a_source_anew_when_it_stops_answering(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		f := newFake(func(ctx context.Context, n int) (trigger.Sample, error) {
			if n == 3 {
				return trigger.Sample{}, errors.New("broken pipe")
			}
			return answers(ctx, n)
		})
		l := p.use("a", f.recipe("k"), 10*s, silent)
		for range 60 {
			time.Sleep(s)
			synctest.Wait()
			if got := l.Last(); got.Err != nil {
				t.Errorf("at %s: %v, want the new source to have answered in the same attempt", time.Since(f.begin), got.Err)
			}
		}
		if opened, closed, _ := f.counts(); opened != 2 || closed != 1 {
			t.Errorf("opened %d and closed %d, want 2 and 1", opened, closed)
		}
	})
}

func TestPool_reads_at_once_when_asked_to(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f, other := start(t), newFake(answers), newFake(answers)
		p.use("a", f.recipe("k"), 300*s, silent)
		p.use("b", other.recipe("other"), 300*s, silent)
		time.Sleep(100 * s)
		p.Refresh("a")
		p.Refresh("nobody")
		time.Sleep(10 * s)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{0, second("k", 300*s), 100 * s}, f.reads()); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
		if slices.Contains(other.reads(), 100*s) {
			t.Errorf("the other owner's source was read at %s", other.reads())
		}
	})
}

func TestPool_reads_when_the_value_changes_by_itself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		f := newFake(func(context.Context, int) (trigger.Sample, error) {
			return trigger.Sample{Until: time.Now().Truncate(7 * s).Add(7 * s)}, nil
		})
		p.use("a", f.recipe("k"), 300*s, silent)
		time.Sleep(20 * s)
		synctest.Wait()
		reads := f.reads()
		for _, at := range reads[1:] {
			if f.begin.Add(at).Truncate(7*s) != f.begin.Add(at) {
				t.Errorf("read at %s, want the instants the source named", f.begin.Add(at))
			}
		}
		if len(reads) < 3 {
			t.Errorf("%d reads, want one a change", len(reads))
		}
	})
}

func TestPool_survives_a_source_that_panics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, f := start(t), newFake(func(context.Context, int) (trigger.Sample, error) { panic("index out of range") })
		bad := p.use("a", f.recipe("bad"), 10*s, silent)
		good := p.use("a", newFake(answers).recipe("good"), 10*s, silent)
		time.Sleep(s)
		synctest.Wait()
		if bad.Last().Err == nil || good.Last().Sample.Value != 5 {
			t.Errorf("the bad one: %v, the good one: %+v", bad.Last().Err, good.Last())
		}
	})
}

func TestPool_asked_during_a_first_read_reads_once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := start(t)
		f := newFake(func(ctx context.Context, n int) (trigger.Sample, error) {
			time.Sleep(50 * time.Millisecond)
			return answers(ctx, n)
		})
		p.use("a", f.recipe("k"), 300*s, silent)
		synctest.Wait()
		p.Refresh("a")
		time.Sleep(100 * time.Millisecond)
		p.Refresh("a")
		time.Sleep(800 * time.Millisecond)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{0}, f.reads()); diff != "" {
			t.Errorf("reads (-want +got):\n%s", diff)
		}
	})
}
