package engine

import "time"

// A decision changes without new data when a recommendation leaves a window, a
// resize leaves a period, or a reading becomes stale. Each rule that is held
// back by one of these names the instant; the earliest is when to ask again.

// wakeAt notes an instant at which the answer may change.
func (d *draft) wakeAt(t time.Time) {
	if t.After(d.seen.At) && (d.wake.IsZero() || t.Before(d.wake)) {
		d.wake = t
	}
}

func (d *draft) due() time.Time { return d.wake }

// wakeWhenForgotten notes when the last recommendation that demands at least
// (for shrinking; at most, for growing) size n leaves its window.
func (d *draft) wakeWhenForgotten(c Case, n, wanted int32) {
	if d.bounded(n) == d.bounded(wanted) {
		return // the bounds make the two the same
	}
	window, ws := d.policy.Down.Window, d.past.High
	if c == CaseUpStabilized {
		window, ws = d.policy.Up.Window, d.past.Low
	}
	var last time.Time
	for _, w := range ws {
		holds := w.Replicas >= n
		if c == CaseUpStabilized {
			holds = w.Replicas <= n
		}
		if holds && d.counts(w, window) && w.At.After(last) {
			last = w.At
		}
	}
	leaves := last.Add(window)
	if !d.policy.hasBehavior() {
		leaves = leaves.Add(1) // there, it still counts when it is exactly as old as the window
	}
	d.wakeAt(leaves)
}

func (d *draft) bounded(n int32) int32 { return min(max(n, d.min), d.max) }

// wakeAfterPeriods notes when the first resize leaves the period of a limit.
func (d *draft) wakeAfterPeriods(s Scaling, to int32) {
	for _, l := range s.Limits {
		d.wakeAfter(l.Period, to)
	}
}

// wakeAsRoomEnds notes when the first resize against the direction leaves the
// period: while it counts, it gives room to a change that nobody carries out.
func (d *draft) wakeAsRoomEnds(period time.Duration) {
	grows := d.replicas > d.from
	since := d.seen.At.Add(-period)
	for _, r := range d.past.Resizes {
		if r.At.After(since) && r.Change < 0 == grows {
			d.wakeAt(r.At.Add(period))
		}
	}
}

// wakeAfter notes when the first resize leaves the period, also the one to the
// given size that this decision is about to make.
func (d *draft) wakeAfter(period time.Duration, to int32) {
	if to != d.from {
		d.wakeAt(d.seen.At.Add(period))
	}
	since := d.seen.At.Add(-period)
	for _, r := range d.past.Resizes {
		if r.At.After(since) {
			d.wakeAt(r.At.Add(period))
		}
	}
}
