// Package quantity reads numbers as Kubernetes writes them: "1500m", "10Mi", "2e3".
package quantity

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
)

// form is a signed decimal, with an exponent or with a suffix.
var form = regexp.MustCompile(`^([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?)([KMGTPE]i|[numkMGTPE]?)$`)

// Parse returns the quantity as a plain number.
func Parse(text string) (float64, error) {
	m := form.FindStringSubmatch(text)
	if m == nil || m[2] != "" && strings.ContainsAny(m[1], "eE") {
		return 0, fmt.Errorf("%q: want a number or a quantity such as 1.5, 500m or 10Mi", text)
	}
	number, err := strconv.ParseFloat(m[1], 64)
	if err != nil {
		return 0, fmt.Errorf("%q: want a smaller number", text)
	}
	return scale(number, m[2]), nil
}

// scale multiplies by what a suffix stands for; it divides where that keeps decimals exact.
func scale(number float64, suffix string) float64 {
	switch suffix {
	case "n":
		return number / 1e9
	case "u":
		return number / 1e6
	case "m":
		return number / 1e3
	case "":
		return number
	case "k":
		return number * 1e3
	}
	thousand := 1000.0
	if strings.HasSuffix(suffix, "i") {
		thousand = 1024
	}
	for range 1 + strings.IndexByte("KMGTPE", suffix[0]) {
		number *= thousand
	}
	return number
}
