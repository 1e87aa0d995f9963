package series_test

import (
	"testing"
	"time"

	"github.com/furl-dev/furl/series"
	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// second returns milliseconds since the epoch.
func second(s int64) int64 { return 1_800_000_000_000 + s*1000 }

type point struct {
	at    int64 // seconds
	total uint64
	start int64 // seconds; 0 is unknown
}

func TestCounter(t *testing.T) {
	const fresh, minWindow = 20 * time.Second, 2500 * time.Millisecond
	for _, c := range []struct {
		why    string
		points []point
		rate   float64
		at     int64
		window time.Duration
		gap    series.Gap
	}{
		{why: "nothing_counted_is_no_rate", gap: series.Unseen},
		{why: "one_point_is_no_rate", points: []point{{at: 100, total: 50, start: 1}}, at: 100, gap: series.Single},
		{why: "two_points_make_a_rate_over_their_window", points: []point{{100, 50, 1}, {110, 80, 1}}, rate: 3, at: 110, window: 10 * time.Second, gap: series.NoGap},
		{why: "the_latest_two_points_count", points: []point{{100, 0, 1}, {110, 100, 1}, {120, 110, 1}}, rate: 1, at: 120, window: 10 * time.Second, gap: series.NoGap},
		{why: "the_same_instant_again_changes_nothing", points: []point{{100, 50, 1}, {110, 80, 1}, {110, 90, 1}}, rate: 3, at: 110, window: 10 * time.Second, gap: series.NoGap},
		{why: "a_point_too_soon_is_not_taken", points: []point{{100, 50, 1}, {110, 80, 1}, {112, 800, 1}}, rate: 3, at: 110, window: 10 * time.Second, gap: series.NoGap},
		{why: "a_rate_is_never_made_of_a_short_window", points: []point{{100, 50, 1}, {102, 80, 1}}, at: 100, gap: series.Single},
		{why: "a_restart_begins_anew", points: []point{{100, 50, 1}, {110, 80, 1}, {120, 5, 115}}, at: 120, gap: series.Restarted},
		{why: "a_restart_is_seen_although_the_total_grew", points: []point{{100, 50, 1}, {110, 80, 1}, {120, 90, 115}}, at: 120, gap: series.Restarted},
		{why: "after_a_restart_two_points_make_a_rate", points: []point{{110, 80, 1}, {120, 5, 115}, {130, 25, 115}}, rate: 2, at: 130, window: 10 * time.Second, gap: series.NoGap},
		{why: "a_total_that_falls_without_a_restart_begins_anew", points: []point{{100, 50, 1}, {110, 40, 1}}, at: 110, gap: series.WentBack},
		{why: "a_total_that_falls_to_nothing_was_not_read", points: []point{{100, 50, 1}, {110, 80, 1}, {120, 0, 1}, {130, 120, 1}}, rate: 2, at: 130, window: 20 * time.Second, gap: series.NoGap},
		{why: "an_idle_thing_has_a_rate_of_nothing", points: []point{{100, 0, 1}, {110, 0, 1}}, at: 110, window: 10 * time.Second, gap: series.NoGap},
		{why: "a_clock_set_back_begins_anew", points: []point{{100, 50, 1}, {110, 80, 1}, {50, 85, 1}}, at: 50, gap: series.WentBack},
		{why: "a_young_life_is_counted_from_its_start", points: []point{{112, 24, 100}}, rate: 2, at: 112, window: 12 * time.Second, gap: series.NoGap},
		{why: "a_life_below_ten_seconds_is_too_young", points: []point{{109, 24, 100}}, at: 109, gap: series.Single},
		{why: "a_long_life_is_no_window", points: []point{{120, 24, 100}}, at: 120, gap: series.Single},
		{why: "a_young_life_after_a_restart_is_counted_from_there", points: []point{{90, 9, 1}, {112, 24, 100}}, rate: 2, at: 112, window: 12 * time.Second, gap: series.NoGap},
	} {
		t.Run(c.why, func(t *testing.T) {
			var counter series.Counter
			for _, p := range c.points {
				l := series.Life{Fresh: fresh, MinWindow: minWindow}
				if p.start != 0 {
					l.Start = second(p.start)
				}
				counter.Add(series.Point{At: second(p.at), Total: p.total}, l)
			}
			want := series.Rate{PerSecond: c.rate, Window: c.window, At: time.UnixMilli(second(c.at)).UTC()}
			if c.at == 0 {
				want.At = time.UnixMilli(0).UTC()
			}
			got, gap := counter.Rate()
			if diff := cmp.Diff(want, got); diff != "" || gap != c.gap {
				t.Errorf("gap %d, want %d; rate (-want +got):\n%s", gap, c.gap, diff)
			}
		})
	}
}

func TestCounter_tells_news_from_repetition(t *testing.T) {
	var c series.Counter
	l := series.Life{Start: second(1)}
	for i, want := range []bool{true, false, true} {
		at := []int64{100, 100, 110}[i]
		if got := c.Add(series.Point{At: second(at), Total: uint64(at)}, l); got != want {
			t.Errorf("point %d is news: %v, want %v", i, got, want)
		}
	}
}

// Whatever a kubelet says, a rate is finite, not negative, and over a window
// of the least width.
func TestCounter_never_makes_an_absurd_rate(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var c series.Counter
		minWindow := time.Duration(rapid.IntRange(0, 5000).Draw(t, "min")) * time.Millisecond
		for range rapid.IntRange(1, 30).Draw(t, "points") {
			c.Add(series.Point{
				At:    rapid.Int64Range(1, 100_000).Draw(t, "at"),
				Total: rapid.Uint64().Draw(t, "total"),
			}, series.Life{Start: rapid.Int64Range(0, 100_000).Draw(t, "start"), Fresh: 20 * time.Second, MinWindow: minWindow})
			r, gap := c.Rate()
			if gap != series.NoGap {
				if r.PerSecond != 0 || r.Window != 0 {
					t.Fatalf("gap %d with a rate: %+v", gap, r)
				}
				continue
			}
			if r.PerSecond < 0 || r.Window <= 0 || r.Window < minWindow || r.PerSecond*r.Window.Seconds() > 1.0001*(1<<64) {
				t.Fatalf("absurd rate %+v", r)
			}
		}
	})
}
