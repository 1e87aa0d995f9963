package resource

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

// metered runs a scraper of one node for a virtual while and returns what it
// registered. Each request takes a quarter of a second; the n-th is answered
// with the text that answer gives, or fails with its error.
func metered(t *testing.T, answer func(n int, now time.Time) (string, error)) *prometheus.Registry {
	t.Helper()
	registry := prometheus.NewRegistry()
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 52*time.Second)
		defer cancel()
		n := 0
		s := &Scraper{
			Options: DefaultOptions(), Nodes: one{}, Store: NewStore(10 * time.Second), Metrics: registry,
			Waiter: clock{}, Clock: time.Now, Log: slog.New(slog.DiscardHandler),
			ask: func(ctx context.Context, _ Node, now time.Time, take func(io.Reader) error) error {
				if err := (clock{}).Wait(ctx, now.Add(250*time.Millisecond)); err != nil {
					return err
				}
				n++
				text, err := answer(n, now)
				if err != nil {
					return err
				}
				return take(strings.NewReader(text))
			},
		}
		if err := s.Run(ctx); err != nil {
			t.Fatal(err)
		}
	})
	return registry
}

func TestScraper_measures_its_own_work(t *testing.T) {
	registry := metered(t, func(n int, now time.Time) (string, error) {
		switch n {
		case 3:
			return "", timeoutError{"10.0.0.1:10250", 10 * time.Second}
		case 4:
			return "", errors.New("get: 403 Forbidden")
		}
		counted := now.Add(-4 * time.Second).UnixMilli()
		return fmt.Sprintf("node_cpu_usage_seconds_total %d %d\nnode_memory_working_set_bytes 1e9 %[2]d\n", counted/1000, counted), nil
	})
	// At 0, at 2.75 s, and from the node's turn on once each 10 s: six, of which two fail.
	const want = `
		# HELP furl_scrapes_total Scrapes of kubelets by result (success, timeout, error).
		# TYPE furl_scrapes_total counter
		furl_scrapes_total{result="error"} 1
		furl_scrapes_total{result="success"} 4
		furl_scrapes_total{result="timeout"} 1
		# HELP furl_scrape_pods Pods whose samples are held.
		# TYPE furl_scrape_pods gauge
		furl_scrape_pods 0
		# HELP furl_scrape_refused_pods_total Pods in answers of kubelets that were not kept because the store is full.
		# TYPE furl_scrape_refused_pods_total counter
		furl_scrape_refused_pods_total 0
	`
	if err := testutil.GatherAndCompare(registry, strings.NewReader(want),
		"furl_scrapes_total", "furl_scrape_pods", "furl_scrape_refused_pods_total"); err != nil {
		t.Error(err)
	}
	for name, want := range map[string]struct {
		times uint64
		sum   float64
	}{
		"furl_scrape_duration_seconds":   {6, 6 * 0.25},
		"furl_scrape_sample_age_seconds": {4, 4 * 4.25}, // 4 s old when it was asked for
	} {
		if times, sum := observed(t, registry, name); times != want.times || sum < want.sum-.01 || sum > want.sum+.01 {
			t.Errorf("%s: %d observations of %.3f s in all, want %d of %.3f", name, times, sum, want.times, want.sum)
		}
	}
}

func TestScraper_takes_a_sample_from_the_future_for_one_of_now(t *testing.T) {
	registry := metered(t, func(_ int, now time.Time) (string, error) {
		ahead := now.Add(time.Hour).UnixMilli()
		return fmt.Sprintf("node_cpu_usage_seconds_total %d %d\nnode_memory_working_set_bytes 1e9 %[2]d\n", ahead/1000, ahead), nil
	})
	if times, sum := observed(t, registry, "furl_scrape_sample_age_seconds"); times == 0 || sum != 0 {
		t.Errorf("%d ages of %.3f s in all, want none above 0", times, sum)
	}
}

func TestScraper_names_its_metrics_as_prometheus_advises(t *testing.T) {
	registry := metered(t, func(int, time.Time) (string, error) { return "", errors.New("no") })
	problems, err := testutil.GatherAndLint(registry)
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint: %v %v", problems, err)
	}
	if n, err := testutil.GatherAndCount(registry); err != nil || n != 7 {
		t.Errorf("%d series, %v; want 7, however many nodes there are", n, err)
	}
}

func TestScraper_counts_pods_that_the_store_refuses(t *testing.T) {
	registry := prometheus.NewRegistry()
	m, err := newMeter(registry, NewStore(time.Second))
	if err != nil {
		t.Fatal(err)
	}
	m.kept(Scraped{Refused: 3})
	m.kept(Scraped{})
	if n := testutil.ToFloat64(m.refused); n != 3 {
		t.Errorf("%g refused, want 3", n)
	}
}

func TestScraper_refuses_metrics_that_are_registered_already(t *testing.T) {
	registry := prometheus.NewRegistry()
	store := NewStore(time.Second)
	if _, err := newMeter(registry, store); err != nil {
		t.Fatal(err)
	}
	s := &Scraper{Options: DefaultOptions(), Nodes: one{}, Store: store, Clock: time.Now, Metrics: registry}
	var twice prometheus.AlreadyRegisteredError
	if err := s.Run(t.Context()); !errors.As(err, &twice) {
		t.Errorf("Run: %v, want that they are registered already", err)
	}
}

// observed returns how many observations a histogram has and their sum.
func observed(t *testing.T, from prometheus.Gatherer, name string) (times uint64, sum float64) {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			h := f.GetMetric()[0].GetHistogram()
			return h.GetSampleCount(), h.GetSampleSum()
		}
	}
	t.Fatalf("no metric %s", name)
	return 0, 0
}
