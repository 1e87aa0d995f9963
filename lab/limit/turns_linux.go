package limit

import (
	"time"

	"golang.org/x/sys/unix"
)

// cpuTime reads the CPU clock of a process, exact to the nanosecond and cheaper than /proc.
func cpuTime(process int) (time.Duration, bool) {
	// clock_getcpuclockid(3): the complement of the process id, then 2 for the scheduler's clock.
	clock := int32(^process<<3 | 2) //nolint:gosec // process ids have 22 bits
	var ts unix.Timespec
	if err := unix.ClockGettime(clock, &ts); err != nil {
		return 0, false
	}
	return time.Duration(ts.Nano()), true
}
