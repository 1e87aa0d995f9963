//go:build !linux

package process

import (
	"syscall"
	"time"
)

func attributes(tty bool) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setsid: true, Setctty: tty}
}

func adoptOrphans() error { return nil }

func reap(int) (time.Duration, bool) { return 0, false }
