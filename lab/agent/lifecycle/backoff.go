package lifecycle

import "time"

const (
	firstBackoff = 10 * time.Second
	mostBackoff  = 5 * time.Minute
	forgetAfter  = 2 * mostBackoff // a container that ran this long begins anew
)

// Backoff is the growing pause before a container that ends is started again, or an image asked for again.
// The first restart is at once; then 10 s, doubling to 5 min. Its zero value is a fresh start.
type Backoff struct {
	delay time.Duration
	since time.Time // when delay was set
}

// Retry is the earliest next start of a container that ended at this instant.
func (b Backoff) Retry(ended time.Time) time.Time {
	if ended.Sub(b.since) > forgetAfter {
		return ended
	}
	return ended.Add(b.delay)
}

// Delay is the present pause.
func (b Backoff) Delay() time.Duration { return b.delay }

// Advance takes note of a start at an instant, after an end at another.
func (b Backoff) Advance(ended, at time.Time) Backoff {
	if b.delay == 0 || ended.Sub(b.since) > forgetAfter {
		return Backoff{delay: firstBackoff, since: at}
	}
	return Backoff{delay: min(2*b.delay, mostBackoff), since: at}
}
