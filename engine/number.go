package engine

import (
	"math"
	"math/bits"
	"strconv"
)

// addSaturating is a + b for numbers from zero up, held at the largest int64
// where upstream wraps around.
func addSaturating(a, b int64) int64 {
	if a > math.MaxInt64-b {
		return math.MaxInt64
	}
	return a + b
}

// mulDiv is a × b ÷ c for numbers from zero up and c above zero, truncated,
// exact in between, and held at the largest int64.
func mulDiv(a, b, c int64) int64 {
	hi, lo := bits.Mul64(uint64(a), uint64(b)) //nolint:gosec // G115: callers pass numbers from zero up
	if hi >= uint64(c) {                       //nolint:gosec // G115: c is above zero
		return math.MaxInt64
	}
	q, _ := bits.Div64(hi, lo, uint64(c)) //nolint:gosec // G115: c is above zero
	return int64(min(q, math.MaxInt64))
}

// replicasFrom rounds up to a size: 0 for NaN and anything below, the largest
// int32 above it, where upstream's conversion gives the smallest.
func replicasFrom(f float64) int32 {
	f = math.Ceil(f)
	switch {
	case !(f > 0): // NaN too
		return 0
	case f >= math.MaxInt32:
		return math.MaxInt32
	default:
		return int32(f)
	}
}

// narrow holds n within the int32 numbers.
func narrow(n int64) int32 {
	return int32(min(max(n, math.MinInt32), math.MaxInt32))
}

// whole truncates f towards zero and holds it within the int64 numbers; NaN is 0.
func whole(f float64) int64 {
	switch {
	case math.IsNaN(f):
		return 0
	case f >= math.MaxInt64:
		return math.MaxInt64
	case f <= math.MinInt64:
		return math.MinInt64
	default:
		return int64(f)
	}
}

// milli writes a number of milli-units as Kubernetes does for CPU: 250m, 3.
func milli(v float64) string {
	if v == math.Trunc(v) && math.Mod(v, 1000) != 0 && math.Abs(v) < 1e6 {
		return strconv.FormatFloat(v, 'f', -1, 64) + "m"
	}
	return strconv.FormatFloat(v/1000, 'f', -1, 64)
}
