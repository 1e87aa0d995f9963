package resource

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

type clock struct{}

func (clock) Wait(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

type one struct{}

func (one) Nodes() []Node { return []Node{{Name: "n1"}} }

// scrapes runs a scraper for 65 virtual seconds and returns when it asked a
// kubelet that counts once in housekeeping.
func scrapes(t *testing.T, resolution, housekeeping time.Duration) (at []time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		o := DefaultOptions()
		o.MetricResolution = resolution
		ctx, cancel := context.WithTimeout(t.Context(), 65*time.Second)
		defer cancel()
		s := &Scraper{
			Options: o, Nodes: one{}, Store: NewStore(resolution),
			Waiter: clock{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
			ask: func(_ context.Context, _ Node, now time.Time, take func(io.Reader) error) error {
				at = append(at, now.Sub(begun))
				counted := now.Truncate(housekeeping)
				return take(strings.NewReader(fmt.Sprintf("node_cpu_usage_seconds_total %d %d\n", counted.Unix(), counted.UnixMilli())))
			},
		}
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
	})
	return at
}

func TestScraper_hurries_to_the_first_rate_and_then_keeps_the_rhythm(t *testing.T) {
	for _, c := range []struct {
		why                      string
		resolution, housekeeping time.Duration
		early                    int // scrapes before the rhythm begins
	}{
		{"fresh counts: a rate at the second scrape", 10 * time.Second, time.Millisecond, 2},
		{"a kubelet that counts every 10s", 15 * time.Second, 10 * time.Second, 4},
		{"a short resolution", 4 * time.Second, time.Millisecond, 2},
	} {
		at := scrapes(t, c.resolution, c.housekeeping)
		if len(at) < 4 || at[0] > time.Second || at[c.early-1] > c.resolution {
			t.Errorf("%s: asked at %v", c.why, at)
			continue
		}
		for i := c.early + 1; i < len(at); i++ {
			if gap := at[i] - at[i-1]; gap != c.resolution {
				t.Errorf("%s: scrapes %d and %d are %s apart: %v", c.why, i-1, i, gap, at)
			}
		}
	}
}
