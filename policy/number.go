package policy

import (
	"math"
	"strconv"

	"k8s.io/apimachinery/pkg/api/resource"
)

// noFraction is a number from which on a float64 has no thousandths.
const noFraction = 1 << 43

// MilliValue is a measurement in thousandths, rounded to whole ones as KEDA
// rounds what it gives to an HPA. What is no number stays none.
func MilliValue(v float64) float64 {
	if math.IsNaN(v) || math.IsInf(v, 0) || math.Abs(v) >= noFraction {
		return v * 1000
	}
	rounded, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 3, 64)+"e3", 64)
	if err != nil { // cannot be: the text is a number
		return math.NaN()
	}
	return rounded
}

// Quantity is a number as KEDA shows it to an HPA: in thousandths; what is
// negative or no number is zero there. Decisions do not go by it, see [MilliValue].
func Quantity(v float64) resource.Quantity {
	if math.IsNaN(v) || math.IsInf(v, 0) || v < 0 {
		return resource.MustParse("0")
	}
	return resource.MustParse(strconv.FormatFloat(v, 'f', 3, 64))
}

// whole holds a number within the int64 ones.
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
