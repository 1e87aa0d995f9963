package hpaexample

import (
	"fmt"
	"math"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// rootsPerLook is how many square roots are taken between two looks at the clock: about 20 µs of work, so that a look
// (well under 1 µs) costs next to nothing and an answer overshoots its work by less than a thousandth.
const rootsPerLook = 4_000

// Burn keeps the calling goroutine's thread computing square roots, as the original does, until it has used d of CPU
// time. Time in which the thread did not run, because the CPU limit or another process held it back, does not count.
func Burn(d time.Duration) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	start, err := threadTime()
	if err != nil {
		return err
	}
	x := 0.0001
	for {
		for range rootsPerLook {
			x += math.Sqrt(x)
		}
		now, err := threadTime()
		if err != nil {
			return err
		}
		if now-start >= d {
			runtime.KeepAlive(x)
			return nil
		}
	}
}

// threadTime is the CPU time that the calling thread has used.
func threadTime() (time.Duration, error) {
	var t unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_THREAD_CPUTIME_ID, &t); err != nil {
		return 0, fmt.Errorf("CPU time of the thread: %w", err)
	}
	return time.Duration(t.Nano()), nil
}
