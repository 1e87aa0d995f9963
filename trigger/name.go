package trigger

import (
	"strconv"
	"strings"
)

// MetricName is the name that users see in an HPA and in status: "s0-cron". What
// an external scaler calls its metric stays as it is, as KEDA has it.
func MetricName(index int, name string) string {
	return "s" + strconv.Itoa(index) + "-" + name
}

// Normalize replaces what a metric name may not have, as KEDA does.
func Normalize(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune("/.:%()", r) {
			return '-'
		}
		return r
	}, s)
}
