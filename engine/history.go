package engine

import (
	"slices"
	"time"
)

// longest bounds each list of a history.
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

// Applied returns the history after a decision was carried out. Only then do
// its resize count against the limits, and its zero as Furl's own.
func Applied(p Policy, d Decision, h History) History {
	if d.To == d.From {
		return h
	}
	h.Resizes = pushResize(h.Resizes, Resize{At: d.At, Change: d.To - d.From}, d.At.Add(-p.longestPeriod()))
	h.Asleep = d.From > 0 && d.To == 0 && p.Min <= 0 && p.measuresOutside()
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
	for last > first && beats(w.Replicas, ws[last-1].Replicas) && !ws[last-1].At.After(w.At) {
		last--
	}
	kept := make([]Want, 0, last-first+1)
	kept = append(append(kept, ws[first:last]...), w)
	if len(kept) > longest {
		kept = mergeWants(kept)
	}
	return kept
}

// mergeWants makes one of the two neighbours closest in time: the older one's
// size, which is the more cautious, for as long as the newer one counts.
func mergeWants(ws []Want) []Want {
	at := 1
	for i := 2; i < len(ws); i++ {
		if ws[i].At.Sub(ws[i-1].At) < ws[at].At.Sub(ws[at-1].At) {
			at = i
		}
	}
	ws[at].Replicas = ws[at-1].Replicas
	return slices.Delete(ws, at-1, at)
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
	kept = append(kept, r)
	if len(kept) > longest {
		kept = mergeResizes(kept)
	}
	return kept
}

// mergeResizes makes one of the two resizes of one direction that are closest
// in time. What grew counts for shorter and what shrank for longer than it
// would alone: both make the next shrinking smaller.
func mergeResizes(rs []Resize) []Resize {
	a, b := -1, -1
	last := map[bool]int{}
	for i, r := range rs {
		if j, ok := last[r.Change > 0]; ok && (a < 0 || r.At.Sub(rs[j].At) < rs[b].At.Sub(rs[a].At)) {
			a, b = j, i
		}
		last[r.Change > 0] = i
	}
	sum := narrow(int64(rs[a].Change) + int64(rs[b].Change))
	if sum > 0 {
		a, b = b, a
	}
	rs[b].Change = sum
	return slices.Delete(rs, a, a+1)
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
