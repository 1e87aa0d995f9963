package process

import (
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// attributes gives a session of its own, a controlling terminal when asked for, and death with the parent.
func attributes(tty bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: tty, Pdeathsig: syscall.SIGKILL}
}

// adoptOrphans makes this program the parent of what a container's processes leave behind, so that their CPU
// time is seen to the end.
func adoptOrphans() error {
	return unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
}

// reap collects one dead child and returns the CPU time it and its own dead children have used.
func reap(id int) (time.Duration, bool) {
	var usage syscall.Rusage
	got, err := syscall.Wait4(id, nil, syscall.WNOHANG, &usage)
	if err != nil || got != id {
		return 0, false
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()), true
}
