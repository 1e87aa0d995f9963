//go:build !linux

package limit

import (
	"bytes"
	"os/exec"
	"strconv"
	"strings"
	"time"
)

// cpuTime asks ps, whose "[[dd-]hh:]mm:ss.cc" is exact enough for a share of a period.
func cpuTime(process int) (time.Duration, bool) {
	out, err := exec.Command("ps", "-o", "time=", "-p", strconv.Itoa(process)).Output() //nolint:noctx,gosec // a number, and ps ends by itself
	if err != nil {
		return 0, false
	}
	var total float64
	for part := range strings.SplitSeq(string(bytes.TrimSpace(out)), ":") {
		n, err := strconv.ParseFloat(part, 64)
		if err != nil {
			return 0, false
		}
		total = total*60 + n
	}
	return time.Duration(total * float64(time.Second)), true
}
