package engine

import (
	"math/bits"
	"time"
)

// A full history is thinned: its span is cut into slices of time, and what
// lies in one slice becomes one entry that is at least as cautious, so that
// the workload never shrinks earlier or deeper than with the whole list. The
// width of a slice is a power of two, so slices nest and an entry never wanders.

// thinWants keeps one recommendation a slice: the one that beats the others,
// for as long as the last of them counts.
func thinWants(ws []Want, beats func(a, b int32) bool) []Want {
	width := sliceWidth(ws[0].At, ws[len(ws)-1].At)
	n := 0
	for _, w := range ws[1:] {
		if last := &ws[n]; inSlice(last.At, w.At, width) {
			if beats(w.Replicas, last.Replicas) {
				last.Replicas = w.Replicas
			}
			last.At = w.At
			continue
		}
		n++
		ws[n] = w
	}
	return ws[:n+1]
}

// thinResizes keeps one growth and one shrinking a slice. Growth counts from
// the first, shrinking until the last: both make the size at a period's start
// larger, and the next shrinking smaller.
func thinResizes(rs []Resize) []Resize {
	width := sliceWidth(rs[0].At, rs[len(rs)-1].At)
	n, lastGrowth, lastShrink := 0, -1, -1
	for _, r := range rs {
		last := &lastShrink
		if r.Change > 0 {
			last = &lastGrowth
		}
		if *last >= 0 && inSlice(rs[*last].At, r.At, width) {
			into := &rs[*last]
			into.Change = narrow(int64(into.Change) + int64(r.Change))
			if r.Change <= 0 {
				into.At = r.At
			}
			continue
		}
		rs[n] = r
		*last = n
		n++
	}
	return rs[:n]
}

// sliceWidth is such that a third of a full list cannot hold a slice each.
func sliceWidth(first, last time.Time) int64 {
	const slices = longest / 3
	span := max(last.Sub(first), 0)
	return 1 << bits.Len64(uint64(span/slices))
}

func inSlice(a, b time.Time, width int64) bool { return a.UnixNano()/width == b.UnixNano()/width }
