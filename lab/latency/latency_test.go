package latency

import (
	"testing"
	"time"
)

func TestQuantile(t *testing.T) {
	of := func(n int) []time.Duration {
		var all []time.Duration
		for i := n; i >= 1; i-- {
			all = append(all, time.Duration(i)*time.Second)
		}
		return all
	}
	for _, c := range []struct {
		why  string
		all  []time.Duration
		q    float64
		want time.Duration
	}{
		{"nothing was measured", nil, 0.5, 0},
		{"one value is every quantile", of(1), 0.95, time.Second},
		{"half of 20 do not exceed 10", of(20), 0.5, 10 * time.Second},
		{"95 % of 20 do not exceed 19", of(20), 0.95, 19 * time.Second},
		{"the highest", of(20), 1, 20 * time.Second},
		{"95 % of 10 need all", of(10), 0.95, 10 * time.Second},
	} {
		if got := Quantile(c.all, c.q); got != c.want {
			t.Errorf("%s: got %s, want %s", c.why, got, c.want)
		}
	}
}
