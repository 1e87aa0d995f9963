package load

import (
	"fmt"
	"math"
	"sync"
	"time"
)

// growth is how much wider each bucket of a histogram is than the one before: a quantile is right within 2 %.
const growth = 1.02

// smallest is the upper end of the first bucket.
const smallest = 10 * time.Microsecond

// Tally counts answers. It is safe for use by many goroutines.
type Tally struct {
	mu      sync.Mutex // guards what follows
	buckets map[int]int
	total   Summary
}

// Summary is what a tally holds.
type Summary struct {
	Sent     int // requests that were answered or failed
	Errors   int // requests that failed
	Dropped  int // requests that were due while too many were unanswered
	P50, P95 time.Duration
	P99, Max time.Duration
	Last     string // how the last failure went
}

// Add counts one request and how long its answer took.
func (t *Tally) Add(took time.Duration, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Sent++
	if err != nil {
		t.total.Errors++
		t.total.Last = err.Error()
		return
	}
	if t.buckets == nil {
		t.buckets = map[int]int{}
	}
	t.buckets[bucket(took)]++
	t.total.Max = max(t.total.Max, took)
}

// Drop counts a request that was not sent.
func (t *Tally) Drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.total.Dropped++
}

func bucket(took time.Duration) int {
	if took <= smallest {
		return 0
	}
	return int(math.Ceil(math.Log(float64(took)/float64(smallest)) / math.Log(growth)))
}

func upper(bucket int) time.Duration {
	return time.Duration(float64(smallest) * math.Pow(growth, float64(bucket)))
}

// Summary gives the counts so far.
func (t *Tally) Summary() Summary {
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.total
	answered := s.Sent - s.Errors
	for q, at := range map[float64]*time.Duration{0.50: &s.P50, 0.95: &s.P95, 0.99: &s.P99} {
		*at = min(t.quantile(q, answered), s.Max)
	}
	return s
}

func (t *Tally) quantile(q float64, answered int) time.Duration {
	last := 0
	for b := range t.buckets {
		last = max(last, b)
	}
	wanted, seen := int(math.Ceil(q*float64(answered))), 0
	for b := 0; b <= last; b++ {
		if seen += t.buckets[b]; seen >= wanted && seen > 0 {
			return upper(b)
		}
	}
	return 0
}

// String is the summary as a line.
func (s Summary) String() string {
	text := fmt.Sprintf("%d answered, %d failed, %d not sent; p50 %v, p95 %v, p99 %v, max %v",
		s.Sent-s.Errors, s.Errors, s.Dropped, short(s.P50), short(s.P95), short(s.P99), short(s.Max))
	if s.Last != "" {
		text += "; last failure: " + s.Last
	}
	return text
}

func short(d time.Duration) time.Duration {
	if d < 10*time.Millisecond {
		return d.Round(10 * time.Microsecond)
	}
	return d.Round(time.Millisecond)
}
