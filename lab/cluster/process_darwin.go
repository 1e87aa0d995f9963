package cluster

import (
	"fmt"
	"os"
	"syscall"

	"golang.org/x/sys/unix"
)

// zombie is SZOMB of sys/proc.h.
const zombie = 5

// startOf returns the start time of a process. A zombie counts as gone.
func startOf(pid int) (string, error) {
	p, err := unix.SysctlKinfoProc("kern.proc.pid", pid)
	if err != nil {
		return "", err
	}
	if p.Proc.P_stat == zombie {
		return "", os.ErrProcessDone
	}
	return fmt.Sprintf("%d.%06d", p.Proc.P_starttime.Sec, p.Proc.P_starttime.Usec), nil
}

// residentBytes is not known without cgo.
func residentBytes(int) (total, anonymous int64) { return 0, 0 }

// diesWithParent has no counterpart here: the pipe on standard input does it, for those children that watch it.
func diesWithParent(*syscall.SysProcAttr) {}
