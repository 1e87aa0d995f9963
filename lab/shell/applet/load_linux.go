package applet

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// load gives the three averages as uptime writes them.
func load() string {
	var at unix.Sysinfo_t
	if err := unix.Sysinfo(&at); err != nil {
		return ""
	}
	const unit = 1 << 16 // the kernel's fixed point
	return fmt.Sprintf(",  load average: %.2f, %.2f, %.2f",
		float64(at.Loads[0])/unit, float64(at.Loads[1])/unit, float64(at.Loads[2])/unit)
}
