package demo

import (
	"sync"
	"time"
)

// film collects a timeline while it is looked at.
type film struct {
	began time.Time

	mu   sync.Mutex // guards what follows
	line Timeline
	seen map[time.Time]bool // decisions noted already
}

func newFilm(t Timeline) *film {
	return &film{began: time.Now(), line: t, seen: map[time.Time]bool{}}
}

// add takes a point, and of the decisions those that changed the size and are new; made is in any order.
func (f *film) add(p Point, most int32, made []Decision) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.line.Max = most
	f.line.Points = append(f.line.Points, p)
	for _, d := range made {
		if d.From == d.To || d.At.Before(f.began) || f.seen[d.At] {
			continue
		}
		f.seen[d.At] = true
		f.line.Notes = append(f.line.Notes, Note{At: d.At.Sub(f.began), From: d.From, To: d.To, Why: d.Why})
	}
}

// timeline returns a copy of what was seen so far.
func (f *film) timeline() Timeline {
	f.mu.Lock()
	defer f.mu.Unlock()
	t := f.line
	t.Points = append([]Point(nil), f.line.Points...)
	t.Notes = append([]Note(nil), f.line.Notes...)
	return t
}

func (f *film) title(text string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.line.Title = text
}
