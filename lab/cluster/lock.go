package cluster

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// ErrRunning says that a supervisor owns the lab already.
var ErrRunning = errors.New("the lab runs already")

// lock makes this process the one supervisor of a lab. The system lets go of the lock when the process dies.
func lock(path string) (unlock func(), err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) //nolint:gosec // the lab's own file
	if err != nil {
		return nil, fmt.Errorf("open the lab's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = f.Close()
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, ErrRunning
		}
		return nil, fmt.Errorf("lock the lab: %w", err)
	}
	return func() { _ = f.Close() }, nil
}
