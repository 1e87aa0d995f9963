package hpa

import (
	"math"
	"testing"
)

func TestSum_ends_at_the_ends_of_the_numbers(t *testing.T) {
	for why, c := range map[string]struct {
		values []int64
		want   int64
	}{
		"adds up":                               {[]int64{3, -1, 5}, 7},
		"stays at the largest":                  {[]int64{math.MaxInt64, 1}, math.MaxInt64},
		"huge negatives do not add up to idle":  {[]int64{math.MinInt64, math.MinInt64}, math.MinInt64},
		"stays at the smallest, whatever comes": {[]int64{math.MinInt64, -1, math.MaxInt64}, math.MinInt64},
		"no series":                             {nil, 0},
	} {
		if got := sum(c.values); got != c.want {
			t.Errorf("%s: %d, want %d", why, got, c.want)
		}
	}
}
