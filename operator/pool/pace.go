package pool

import (
	"time"

	"github.com/furl-dev/furl/trigger"
)

const (
	// retry is when a failed read is tried again, if its interval is longer:
	// KEDA's scalers are asked by the HPA each 15 s too, and a fallback's
	// failureThreshold is chosen with that in mind.
	retry = 15 * time.Second
	// patience is how many failures in a row keep that pace. After them it
	// doubles up to the interval: an attempt an interval there always is.
	patience = 4
	// longest bounds what a server may ask for with Retry-After.
	longest = 10 * time.Minute
)

// afterGood is when a source that answered is read next.
func afterGood(r *reader, s *trigger.Sample, now time.Time) time.Time {
	due := r.started.Add(r.every)
	if !r.spread { // once: leave the company of those that began at the same instant
		r.spread = true
		due = r.started.Add(max(shortest, part(r.every, r.key, 0)))
	}
	if s.Until.After(now) && s.Until.Before(due) {
		due = later(s.Until, r.started.Add(shortest))
	}
	if due.Before(now) { // it took longer than its interval
		due = now.Add(r.every)
	}
	return due
}

// afterBad is when a source that failed is tried again.
func afterBad(r *reader, failures int, now time.Time) time.Time {
	wait := r.every
	if retry < r.every {
		wait = min(r.every, retry<<min(max(failures-patience, 0), 10))
	}
	if wait < r.every { // half of it by lot: what failed together does not come back together
		wait = wait/2 + part(wait/2, r.key, failures)
	}
	due := r.started.Add(wait)
	if due.Before(now) {
		due = now.Add(wait)
	}
	return later(due, r.silence)
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// part is a share of a span that depends on the key and the number only.
func part(of time.Duration, key string, number int) time.Duration {
	const offset, prime = 14695981039346656037, 1099511628211 // FNV-1a
	h := uint64(offset)
	for i := range len(key) {
		h = (h ^ uint64(key[i])) * prime
	}
	h = (h ^ uint64(number)) * prime //nolint:gosec // a small count
	h ^= h >> 33                     // murmur3's end: similar keys end up far apart
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	return time.Duration(float64(h>>11) / (1 << 53) * float64(of))
}
