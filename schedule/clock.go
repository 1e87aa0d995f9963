package schedule

import (
	"context"
	"time"
)

// Clock is real time for those who may not own it, such as a scraper.
type Clock struct{}

// Now is the present instant.
func (Clock) Now() time.Time { return time.Now() }

// Wait returns nil at the given instant, or the reason of ctx when it ends first.
func (Clock) Wait(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
