package load

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestParseProfile(t *testing.T) {
	got, err := ParseProfile("0s:5, 1m:40,180s:0.5")
	if err != nil {
		t.Fatal(err)
	}
	want := []Step{{0, 5}, {time.Minute, 40}, {3 * time.Minute, 0.5}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestParseProfile_refuses(t *testing.T) {
	for _, text := range []string{"", "5", "0s", "0s:", "x:5", "0s:x", "0s:-1", "0s:NaN", "0s:1e9", "1m:5,1m:6", "2m:5,1m:6", "-1s:5", "0s:5,"} {
		if steps, err := ParseProfile(text); err == nil {
			t.Errorf("%q gave %v", text, steps)
		}
	}
}

// sender notes when it was called and answers after a while.
type sender struct {
	mu    sync.Mutex // guards at
	at    []time.Duration
	start time.Time
	takes time.Duration
	err   error
}

func (s *sender) send(context.Context) error {
	s.mu.Lock()
	s.at = append(s.at, time.Since(s.start))
	s.mu.Unlock()
	time.Sleep(s.takes)
	return s.err
}

func TestGenerator_keeps_the_rates_of_its_profile(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{start: time.Now(), takes: time.Millisecond}
		g := Generator{
			Plan: Plan{Steps: []Step{{0, 10}, {time.Second, 0}, {2 * time.Second, 100}}, Duration: 3 * time.Second},
			Send: s.send, Unending: 10,
		}
		got, err := g.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		count := map[int]int{}
		for _, at := range s.at {
			count[int(at/time.Second)]++
		}
		if diff := cmp.Diff(map[int]int{0: 10, 2: 100}, count); diff != "" {
			t.Errorf("requests in each second: -want +got\n%s", diff)
		}
		if got.Sent != 110 || got.Errors != 0 || got.Dropped != 0 || time.Since(s.start) < 3*time.Second {
			t.Errorf("got %+v after %v", got, time.Since(s.start))
		}
	})
}

func TestGenerator_counts_the_wait_of_a_request_that_came_late(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{start: time.Now(), takes: 10 * time.Second}
		g := Generator{Plan: Steady(10, time.Second), Send: s.send, Unending: 4}
		got, err := g.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Sent != 4 || got.Dropped != 6 || got.Max != 10*time.Second {
			t.Errorf("got %+v, want 4 sent, 6 dropped, 10s", got)
		}
	})
}

func TestGenerator_keeps_so_many_unanswered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{start: time.Now(), takes: 100 * time.Millisecond}
		g := Generator{Plan: Plan{Concurrency: 3, Duration: 950 * time.Millisecond}, Send: s.send}
		got, err := g.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Sent != 30 || got.P50 != 100*time.Millisecond {
			t.Errorf("got %+v, want 30 sent in 100ms each", got)
		}
	})
}

func TestGenerator_tells_of_failures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out bytes.Buffer
		s := &sender{start: time.Now(), err: errors.New("503 busy")}
		g := Generator{Plan: Steady(2, 10*time.Second), Send: s.send, Unending: 1, Out: &out, Every: 4900 * time.Millisecond}
		got, err := g.Run(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if got.Errors != 20 || got.Sent != 20 || !strings.Contains(got.String(), "0 answered, 20 failed") || !strings.Contains(got.String(), "503 busy") {
			t.Errorf("got %v", got)
		}
		if !strings.Contains(out.String(), "5s  2.0/s asked, 0.0/s answered, 10 failed") {
			t.Errorf("told %q", out.String())
		}
	})
}

func TestGenerator_ends_with_its_context(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 1500*time.Millisecond)
		defer cancel()
		s := &sender{start: time.Now()}
		g := Generator{Plan: Steady(1, 0), Send: s.send, Unending: 1}
		if got, err := g.Run(ctx); err != nil || got.Sent != 2 {
			t.Errorf("got %+v, %v; want 2 sent", got, err)
		}
	})
}

func TestPlan_Check_refuses(t *testing.T) {
	for _, p := range []Plan{{}, {Concurrency: -1}, {Concurrency: 1, Steps: []Step{{0, 1}}}, {Steps: []Step{{0, -1}}}, {Concurrency: 1, Duration: -1}} {
		if p.Check() == nil {
			t.Errorf("%+v was accepted", p)
		}
	}
}

func TestTally_quantiles_are_right_within_2_percent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		times := rapid.SliceOfN(rapid.Int64Range(int64(smallest), int64(time.Minute)), 1, 200).Draw(t, "times")
		var tally Tally
		below := func(q time.Duration) (n int) {
			for _, took := range times {
				if time.Duration(took) <= q {
					n++
				}
			}
			return n
		}
		for _, took := range times {
			tally.Add(time.Duration(took), nil)
		}
		s := tally.Summary()
		for q, at := range map[float64]time.Duration{0.5: s.P50, 0.95: s.P95, 0.99: s.P99} {
			wanted := q * float64(len(times))
			wide := time.Duration(float64(at) * 1.001)
			narrow := time.Duration(float64(at) / growth * 0.999)
			if float64(below(wide)) < wanted || float64(below(narrow)) >= wanted+1 {
				t.Fatalf("quantile %v of %v is told as %v", q, times, at)
			}
		}
	})
}
