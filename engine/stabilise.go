package engine

import "time"

// stabilise changes the size only as far as was wanted throughout the window
// of the direction, and remembers what is wanted now.
func (d *draft) stabilise() {
	wanted := d.replicas
	d.next = remember(d.policy, d.next, Want{At: d.seen.At, Replicas: wanted})
	var (
		n      int32
		c      Case
		window time.Duration
	)
	switch down := d.policy.Down.Window; {
	case !d.policy.hasBehavior():
		// Upstream's older algorithm: the highest of the window, which may even be above the size.
		n, c, window = d.highest(wanted), CaseDownStabilized, down
	default:
		low, high := d.lowest(wanted), d.highest(wanted)
		n, c, window = min(max(d.from, low), high), CaseDownStabilized, down
		if wanted >= d.from {
			c, window = CaseUpStabilized, d.policy.Up.Window
		}
	}
	if n == wanted {
		return
	}
	d.wakeWhenForgotten(c, n, wanted)
	d.set(RuleStabilise, c, n, window.Seconds())
}

// lowest is the least that was wanted within the up window.
func (d *draft) lowest(n int32) int32 {
	for _, w := range d.past.Low {
		if d.counts(w, d.policy.Up.Window) {
			n = min(n, w.Replicas)
		}
	}
	return n
}

// highest is the most that was wanted within the down window.
func (d *draft) highest(n int32) int32 {
	for _, w := range d.past.High {
		if d.counts(w, d.policy.Down.Window) {
			n = max(n, w.Replicas)
		}
	}
	return n
}

// counts says whether a recommendation is within the window. One that is
// exactly as old as the window counts without behavior only.
func (d *draft) counts(w Want, window time.Duration) bool {
	if window <= 0 {
		return false
	}
	if d.policy.hasBehavior() {
		return w.At.After(d.seen.At.Add(-window))
	}
	return !w.At.Before(d.seen.At.Add(-window))
}
