package engine

import (
	"slices"
	"time"
)

// longest bounds each list of a history; thin.go says what happens beyond.
const longest = 256

// Past builds a history from recommendations and resizes in any order, such as
// those of a record.
func Past(wants []Want, resizes []Resize) History {
	h := History{Seen: true}
	wants = slices.Clone(wants)
	slices.SortStableFunc(wants, func(a, b Want) int { return a.At.Compare(b.At) })
	for _, w := range wants {
		h.Low = push(h.Low, w, time.Time{}, lower)
		h.High = push(h.High, w, time.Time{}, higher)
	}
	resizes = slices.Clone(resizes)
	slices.SortStableFunc(resizes, func(a, b Resize) int { return a.At.Compare(b.At) })
	for _, r := range resizes {
		h.Resizes = pushResize(h.Resizes, r, time.Time{})
	}
	return h
}

// Known is what a status says of a workload that an earlier process, or
// somebody else, decided for.
type Known struct {
	// Active says that it had work when it was last looked at.
	Active bool
	// LastActive is when it last had work; zero means never.
	LastActive time.Time
	Failures   []Failure
	// Paused says that a pause took it to the size PausedAt.
	Paused   bool
	PausedAt int32
}

// Resumed builds the history to go on with at an instant. An active workload
// counts as active now: how long it was really idle while nobody looked is
// unknown, and nothing busy may go to zero for it.
func Resumed(at time.Time, k Known) History {
	if k.Active {
		k.LastActive = at
	}
	return History{LastActive: k.LastActive, Failures: slices.Clone(k.Failures), Paused: k.Paused, PausedAt: k.PausedAt}
}

// Applied returns the history after a decision was carried out. Only then do
// its resize count against the limits, and its zero as Furl's own.
func Applied(p Policy, d Decision, h History) History {
	if d.To == d.From {
		return h
	}
	h.Resizes = pushResize(h.Resizes, Resize{At: d.At, Change: d.To - d.From}, d.At.Add(-p.longestPeriod()))
	h.Asleep = d.From > 0 && d.To == 0 && p.Min <= 0 && p.measuresOutside() && !p.Activation.On
	h.pausedBy(&p, &d)
	return h
}

// remember returns h with a recommendation and without what both windows have
// passed. The lists of h are left as they are.
func remember(p *Policy, h History, w Want) History {
	since := w.At.Add(-max(p.Up.Window, p.Down.Window, 0))
	h.Low = push(h.Low, w, since, lower)
	h.High = push(h.High, w, since, higher)
	return h
}

func lower(a, b int32) bool  { return a <= b }
func higher(a, b int32) bool { return a >= b }

// push returns a copy of a monotone deque with w at its end: what w beats, now
// and for as long as w counts, is gone, and so is what is older than since.
func push(ws []Want, w Want, since time.Time, beats func(a, b int32) bool) []Want {
	first := 0
	for first < len(ws) && ws[first].At.Before(since) {
		first++
	}
	last := len(ws)
	if last > first && ws[last-1].At.After(w.At) {
		w.At = ws[last-1].At // a clock that went back stands still
	}
	for last > first && beats(w.Replicas, ws[last-1].Replicas) {
		last--
	}
	kept := make([]Want, 0, last-first+1)
	kept = append(append(kept, ws[first:last]...), w)
	if len(kept) > longest {
		kept = thinWants(kept, beats)
	}
	return kept
}

// pushResize returns a copy of the resizes with r at the end, without what is
// older than since.
func pushResize(rs []Resize, r Resize, since time.Time) []Resize {
	kept := make([]Resize, 0, len(rs)+1)
	for _, x := range rs {
		if !x.At.Before(since) {
			kept = append(kept, x)
		}
	}
	if n := len(kept); n > 0 && kept[n-1].At.After(r.At) {
		r.At = kept[n-1].At // a clock that went back stands still
	}
	kept = append(kept, r)
	if len(kept) > longest {
		kept = thinResizes(kept)
	}
	return kept
}

// longestPeriod is how long a resize matters.
func (p *Policy) longestPeriod() time.Duration {
	period := p.Burst.Period
	for _, l := range p.Up.Limits {
		period = max(period, l.Period)
	}
	for _, l := range p.Down.Limits {
		period = max(period, l.Period)
	}
	return max(period, 0)
}

// sizeBefore is the size one period ago, as far as Furl itself changed it since.
func (d *draft) sizeBefore(period time.Duration) int64 {
	size := int64(d.from)
	since := d.seen.At.Add(-period)
	for _, r := range d.past.Resizes {
		if r.At.After(since) {
			size -= int64(r.Change)
		}
	}
	return size
}
