package kube

import (
	"errors"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// dropAfter sets TCP_USER_TIMEOUT.
func dropAfter(within time.Duration) func(network, address string, c syscall.RawConn) error {
	return func(_, _ string, c syscall.RawConn) error {
		var set error
		err := c.Control(func(fd uintptr) {
			set = unix.SetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(within.Milliseconds()))
		})
		return errors.Join(err, set)
	}
}
