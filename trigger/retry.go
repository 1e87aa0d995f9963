package trigger

import (
	"errors"
	"fmt"
	"time"
)

// Throttled is the error of a server that asks to be left alone for a while.
type Throttled struct { //nolint:errname // a wish, not a mistake
	After time.Duration
	Err   error
}

func (t *Throttled) Error() string { return fmt.Sprintf("%v (come back in %s)", t.Err, t.After) }

// Unwrap returns what the server said.
func (t *Throttled) Unwrap() error { return t.Err }

// RetryAfter is how long to wait.
func (t *Throttled) RetryAfter() time.Duration { return t.After }

// RetryAfter is how long the server behind an error asked to be left alone.
// Every error with a method RetryAfter says so, such as [*Throttled].
func RetryAfter(err error) (time.Duration, bool) {
	var d interface {
		error
		RetryAfter() time.Duration
	}
	if !errors.As(err, &d) {
		return 0, false
	}
	return d.RetryAfter(), true
}
