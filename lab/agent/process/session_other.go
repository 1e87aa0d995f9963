//go:build !linux

package process

import (
	"syscall"
	"time"
)

func attributes(tty bool) *syscall.SysProcAttr { //nolint:revive // the terminal is a fact of the spec, not a mode
	return &syscall.SysProcAttr{Setsid: true, Setctty: tty}
}

func adoptOrphans() error { return nil }

func reap(int) (time.Duration, bool) { return 0, false }
