package schedule

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// journal notes the turns of keys as offsets from its beginning.
type journal struct {
	begin time.Time
	mu    sync.Mutex // guards turns
	turns map[string][]time.Duration
}

func newJournal() *journal {
	return &journal{begin: time.Now(), turns: make(map[string][]time.Duration)}
}

func (j *journal) note(key string, at time.Time) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.turns[key] = append(j.turns[key], at.Sub(j.begin))
}

func (j *journal) of(key string) []time.Duration {
	j.mu.Lock()
	defer j.mu.Unlock()
	return append([]time.Duration(nil), j.turns[key]...)
}

// start runs s until the test ends.
func start[K comparable](t *testing.T, s *Schedule[K]) {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func expect(t *testing.T, got []time.Duration, want ...time.Duration) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("turns (-want +got):\n%s", diff)
	}
}

func TestSchedule(t *testing.T) {
	const s = time.Second
	tests := map[string]struct {
		config Config
		work   func(j *journal) Work[string]
		drive  func(*Schedule[string])
		want   []time.Duration
	}{
		"comes_back_when_the_turn_asked": {
			work: func(j *journal) Work[string] {
				return func(_ context.Context, k string, t Turn) (time.Time, error) {
					j.note(k, t.At)
					return t.At.Add(7 * s), nil
				}
			},
			drive: func(c *Schedule[string]) { c.Wake("a"); time.Sleep(15 * s) },
			want:  []time.Duration{0, 7 * s, 14 * s},
		},
		"stays_quiet_when_no_instant_was_asked_for": {
			work:  noted(nil),
			drive: func(c *Schedule[string]) { c.Wake("a"); time.Sleep(time.Hour) },
			want:  []time.Duration{0},
		},
		"wakes_before_the_instant_asked_for": {
			work: func(j *journal) Work[string] {
				return func(_ context.Context, k string, t Turn) (time.Time, error) {
					j.note(k, t.At)
					return j.begin.Add(60 * s), nil
				}
			},
			drive: func(c *Schedule[string]) { c.Wake("a"); time.Sleep(5 * s); c.Wake("a"); time.Sleep(10 * s) },
			want:  []time.Duration{0, 5 * s},
		},
		"keeps_the_gap_between_turns_and_merges_wakes": {
			config: Config{Gap: 2 * s},
			work:   noted(nil),
			drive: func(c *Schedule[string]) {
				for range 5 {
					c.Wake("a")
					time.Sleep(600 * time.Millisecond)
				}
				time.Sleep(10 * s)
			},
			want: []time.Duration{0, 2 * s, 4 * s},
		},
		"paces_one_key_by_its_own_cadence": {
			work: noted(nil),
			drive: func(c *Schedule[string]) {
				c.Pace("a", 15*s)
				for range 40 {
					c.Wake("a")
					time.Sleep(s)
				}
			},
			want: []time.Duration{0, 15 * s, 30 * s},
		},
		"tries_again_after_errors_with_growing_delay": {
			config: Config{Retry: 10 * s, RetryMax: 40 * s},
			work:   noted(errors.New("no")),
			drive:  func(c *Schedule[string]) { c.Wake("a"); time.Sleep(125 * s) },
			want:   retries("a", 10*s, 20*s, 40*s, 40*s),
		},
		"keeps_the_pace_though_the_turn_asks_for_an_earlier_instant": {
			work: func(j *journal) Work[string] {
				return func(_ context.Context, k string, t Turn) (time.Time, error) {
					j.note(k, t.At)
					return t.At.Add(4 * s), nil
				}
			},
			drive: func(c *Schedule[string]) { c.Pace("a", 15*s); c.Wake("a"); time.Sleep(40 * s) },
			want:  []time.Duration{0, 15 * s, 30 * s},
		},
		"keeps_the_pace_after_errors": {
			config: Config{Retry: s, RetryMax: 60 * s},
			work:   noted(errors.New("no")),
			drive:  func(c *Schedule[string]) { c.Pace("a", 15*s); c.Wake("a"); time.Sleep(40 * s) },
			want:   []time.Duration{0, 15 * s, 30 * s},
		},
		"puts_off_what_waits_when_the_pace_slows": {
			work: func(j *journal) Work[string] {
				return func(_ context.Context, k string, t Turn) (time.Time, error) {
					j.note(k, t.At)
					return t.At.Add(4 * s), nil
				}
			},
			drive: func(c *Schedule[string]) {
				c.Wake("a")
				time.Sleep(5 * s)
				c.Pace("a", 15*s)
				time.Sleep(20 * s)
			},
			want: []time.Duration{0, 4 * s, 19 * s},
		},
		"forgets_a_dropped_key": {
			work: func(j *journal) Work[string] {
				return func(_ context.Context, k string, t Turn) (time.Time, error) {
					j.note(k, t.At)
					return t.At.Add(s), nil
				}
			},
			drive: func(c *Schedule[string]) {
				c.Wake("a")
				time.Sleep(s + s/2)
				c.Drop("a")
				time.Sleep(10 * s)
			},
			want: []time.Duration{0, s},
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				j := newJournal()
				c := New(tt.config, tt.work(j))
				start(t, c)
				tt.drive(c)
				synctest.Wait()
				expect(t, j.of("a"), tt.want...)
			})
		})
	}
}

// noted is work that notes its turn, asks for no other and ends with err.
func noted(err error) func(*journal) Work[string] {
	return func(j *journal) Work[string] {
		return func(_ context.Context, k string, t Turn) (time.Time, error) {
			j.note(k, t.At)
			return time.Time{}, err
		}
	}
}

// retries are the turns after an error at once and these delays, each a bit
// longer by the key's own share of a tenth.
func retries(key string, delays ...time.Duration) []time.Duration {
	out := make([]time.Duration, 1, 1+len(delays))
	at := time.Duration(0)
	for _, d := range delays {
		at += d + time.Duration(fraction(key)*float64(d)/10)
		out = append(out, at)
	}
	return out
}

func TestSchedule_says_since_when_a_turn_was_wanted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		c := New(Config{Gap: 3 * time.Second}, func(_ context.Context, k string, turn Turn) (time.Time, error) {
			j.note(k, turn.Woken)
			return time.Time{}, nil
		})
		start(t, c)
		c.Wake("a")
		time.Sleep(time.Second)
		c.Wake("a") // this one waits for the gap
		time.Sleep(time.Second)
		c.Wake("a") // and this one joins it
		time.Sleep(10 * time.Second)
		synctest.Wait()
		expect(t, j.of("a"), 0, time.Second)
	})
}

func TestSchedule_never_runs_a_key_twice_at_once_and_bounds_its_workers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		running, most := map[string]int{}, 0
		c := New(Config{Workers: 3}, func(_ context.Context, k string, _ Turn) (time.Time, error) {
			mu.Lock()
			running[k]++
			most = max(most, len(running))
			if running[k] > 1 {
				t.Errorf("%s runs %d times at once", k, running[k])
			}
			mu.Unlock()
			time.Sleep(time.Second)
			mu.Lock()
			delete(running, k)
			mu.Unlock()
			return time.Time{}, nil
		})
		start(t, c)
		for range 20 {
			for i := range 10 {
				c.Wake(fmt.Sprint(i))
			}
			time.Sleep(300 * time.Millisecond)
		}
		time.Sleep(time.Minute)
		mu.Lock()
		defer mu.Unlock()
		if most != 3 {
			t.Errorf("at most %d keys at once, want 3", most)
		}
	})
}

func TestSchedule_tells_how_late_it_is(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := New(Config{Workers: 1}, func(_ context.Context, k string, _ Turn) (time.Time, error) {
			if k == "slow" {
				time.Sleep(10 * time.Second)
			}
			return time.Now().Add(time.Hour), nil
		})
		late := func(want time.Duration, why string) {
			t.Helper()
			synctest.Wait()
			if got := c.Late(); got != want {
				t.Errorf("%s: late by %s, want %s", why, got, want)
			}
		}
		late(0, "there is no key")
		start(t, c)
		c.Wake("slow")
		time.Sleep(4 * time.Second)
		late(4*time.Second, "a turn is under way since then")
		c.Wake("next")
		time.Sleep(5 * time.Second)
		late(9*time.Second, "the other has waited for less long")
		time.Sleep(2 * time.Second)
		late(0, "all had their turns, and the next is due in an hour")
	})
}

func TestSchedule_wakes_again_after_a_turn_that_was_under_way(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		c := New(Config{}, func(_ context.Context, k string, turn Turn) (time.Time, error) {
			j.note(k, turn.At)
			time.Sleep(time.Second)
			return time.Time{}, nil
		})
		start(t, c)
		c.Wake("a")
		time.Sleep(time.Second / 2)
		c.Wake("a")
		time.Sleep(time.Minute)
		expect(t, j.of("a"), 0, time.Second)
	})
}

func TestSchedule_spreads_the_beginning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := newJournal()
		c := New(Config{Workers: 4}, noted(nil)(j))
		start(t, c)
		for i := range 1000 {
			c.WakeWithin(fmt.Sprintf("ns/hpa-%d", i), 10*time.Second)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		perSecond := make([]int, 10)
		for i := range 1000 {
			turns := j.of(fmt.Sprintf("ns/hpa-%d", i))
			if len(turns) != 1 {
				t.Fatalf("hpa-%d had %d turns, want 1", i, len(turns))
			}
			perSecond[int(turns[0]/time.Second)]++
		}
		for i, n := range perSecond {
			if n < 50 || n > 200 {
				t.Errorf("second %d has %d beginnings of 1000, want about 100", i, n)
			}
		}
	})
}

func TestSchedule_holds_10000_keys_without_growing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns atomic.Int64
		c := New(Config{Workers: 1}, func(_ context.Context, _ int, t Turn) (time.Time, error) {
			turns.Add(1)
			return t.At.Add(15 * time.Second), nil
		})
		start(t, c)
		for i := range 10_000 {
			c.WakeWithin(i, 15*time.Second)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		before, goroutines := heapObjects(), runtime.NumGoroutine()
		first := turns.Load()
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		if got := turns.Load() - first; got < 199_000 || got > 201_000 {
			t.Errorf("%d turns in 5 minutes, want about 200000", got)
		}
		if grown := heapObjects() - before; grown > 1000 {
			t.Errorf("the heap grew by %d objects in 200000 turns", grown)
		}
		if n := runtime.NumGoroutine(); n > goroutines {
			t.Errorf("%d goroutines, %d before", n, goroutines)
		}
		if c.Len() != 10_000 {
			t.Errorf("%d keys, want 10000", c.Len())
		}
	})
}

func heapObjects() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapObjects)
}

func TestClock_waits_until_the_instant_or_the_end(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := Clock{}.Now()
		if err := (Clock{}).Wait(t.Context(), begin.Add(time.Minute)); err != nil {
			t.Fatal(err)
		}
		if got := time.Since(begin); got != time.Minute {
			t.Errorf("waited %v, want 1m", got)
		}
		reason := errors.New("over")
		ctx, stop := context.WithCancelCause(t.Context())
		stop(reason)
		if err := (Clock{}).Wait(ctx, begin.Add(time.Hour)); !errors.Is(err, reason) {
			t.Errorf("Wait: %v, want %v", err, reason)
		}
	})
}

func BenchmarkTurn(b *testing.B) {
	b.ReportAllocs()
	done := make(chan struct{}, 1)
	c := New(Config{Workers: 1}, func(context.Context, int, Turn) (time.Time, error) {
		done <- struct{}{}
		return time.Time{}, nil
	})
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan error)
	go func() { ended <- c.Run(ctx) }()
	for i := range 10_000 {
		c.Pace(i, 0)
	}
	i := 0
	for b.Loop() {
		c.Wake(i % 10_000)
		<-done
		i++
	}
	stop()
	if err := <-ended; err != nil {
		b.Fatal(err)
	}
}

func TestSchedule_says_of_a_wake_that_may_wait_that_nobody_waited(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var turns []Turn
		begin := time.Now()
		c := New(Config{}, func(_ context.Context, _ string, turn Turn) (time.Time, error) {
			turns = append(turns, turn)
			return time.Time{}, nil
		})
		start(t, c)
		c.WakeWithin("a", 5*time.Second)
		time.Sleep(6 * time.Second)
		c.WakeWithin("a", time.Hour)
		time.Sleep(time.Second)
		c.Wake("a") // and this one may not
		synctest.Wait()
		if len(turns) != 2 || !turns[0].Woken.IsZero() || !turns[1].Woken.Equal(begin.Add(7*time.Second)) {
			t.Errorf("turns %+v, want one that nobody waited for and one wanted after 7s", turns)
		}
	})
}
