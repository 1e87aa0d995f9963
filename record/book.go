package record

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/loop"
)

// DefaultBudget is how many bytes of records a process keeps: at about 2 KiB
// each, a day of changes of a thousand busy workloads.
const DefaultBudget = 64 << 20

// Book keeps records. It is safe for concurrent use; every call holds the one
// lock for no longer than it takes to copy what it was asked for.
type Book struct {
	budget int64

	mu      sync.Mutex // guards what follows
	bytes   int64
	shelves map[Workload]*shelf
	order   []*entry // oldest first; those before head have gone
	head    int
}

// shelf is the records of one workload, oldest first.
type shelf struct {
	records []*entry
	change  *entry // the last that moved the size, if it is known
}

type entry struct {
	Record
	bytes int64
	gone  bool // no longer on its shelf
	held  bool // out of order, and kept only as the latest or the last change
}

// NewBook returns an empty book with a budget in bytes.
func NewBook(budget int64) *Book {
	return &Book{budget: budget, shelves: map[Workload]*shelf{}}
}

// Keep takes a record of the workload.
func (b *Book) Keep(w Workload, r loop.Record) {
	e := &entry{Record: Record{Workload: w, Record: own(r), Since: r.At, Alike: 1}}
	e.bytes = weigh(&e.Record)
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shelves[w]
	if s == nil {
		s = &shelf{}
		b.shelves[w] = s
	}
	if len(s.records) > 0 && alike(&s.latest().Record.Record, &r) {
		b.renew(s.latest(), e)
	} else {
		b.append(s, e)
	}
	b.evict()
}

// Recorder returns the workload's way into the book.
func (b *Book) Recorder(w Workload) loop.Recorder { return page{b, w} }

type page struct {
	book     *Book
	workload Workload
}

func (p page) Record(_ context.Context, r loop.Record) error {
	p.book.Keep(p.workload, r)
	return nil
}

// Latest returns the workload's latest record, if it has any.
func (b *Book) Latest(w Workload) (Record, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shelves[w]
	if s == nil {
		return Record{}, false
	}
	return s.latest().Record, true
}

// LatestOf returns the latest record of every workload in the namespace, of
// all if it is empty, in the order of their names.
func (b *Book) LatestOf(namespace string) []Record {
	b.mu.Lock()
	var out []Record
	for w, s := range b.shelves {
		if namespace == "" || w.Namespace == namespace {
			out = append(out, s.latest().Record)
		}
	}
	b.mu.Unlock()
	slices.SortFunc(out, func(x, y Record) int {
		return cmp.Or(strings.Compare(x.Namespace, y.Namespace), strings.Compare(x.Kind, y.Kind), strings.Compare(x.Name, y.Name))
	})
	return out
}

// Query narrows a history.
type Query struct {
	Limit int       // at most so many records; 0: all
	Since time.Time // only from this instant on; zero: all
}

// History returns the workload's records, the newest first.
func (b *Book) History(w Workload, q Query) []Record {
	b.mu.Lock()
	defer b.mu.Unlock()
	s := b.shelves[w]
	if s == nil {
		return nil
	}
	var out []Record
	for _, e := range slices.Backward(s.records) {
		if e.At.Before(q.Since) || q.Limit > 0 && len(out) == q.Limit {
			break
		}
		out = append(out, e.Record)
	}
	return out
}

// Forget drops the workload's records, such as when it is deleted.
func (b *Book) Forget(w Workload) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if s := b.shelves[w]; s != nil {
		for _, e := range s.records {
			b.drop(e)
		}
		delete(b.shelves, w)
	}
}

// Bytes returns about how much memory the records take.
func (b *Book) Bytes() int64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.bytes
}

// latest returns the newest entry of a shelf that has any, as all in the book do.
func (s *shelf) latest() *entry { return s.records[len(s.records)-1] }

// renew lets e take the place of one that it repeats.
func (b *Book) renew(old, e *entry) {
	e.Since, e.Alike = old.Since, old.Alike+1
	b.bytes += e.bytes - old.bytes
	old.Record, old.bytes = e.Record, e.bytes
}

// append puts a new entry on the shelf and lets go of what was held for being
// the latest or the last change and is that no longer.
func (b *Book) append(s *shelf, e *entry) {
	s.records = append(s.records, e)
	if changes(&e.Record.Record) {
		s.change = e
	}
	b.order = append(b.order, e)
	b.bytes += e.bytes
	s.records = slices.DeleteFunc(s.records, func(old *entry) bool {
		if !old.held || old == s.change || old == e {
			return false
		}
		b.drop(old)
		return true
	})
}

// evict lets the oldest records go until the rest is within the budget.
func (b *Book) evict() {
	for b.bytes > b.budget && b.head < len(b.order) {
		e := b.order[b.head]
		b.order[b.head] = nil
		b.head++
		if e.gone {
			continue
		}
		s := b.shelves[e.Workload]
		if e == s.change || e == s.latest() {
			e.held = true
			continue
		}
		b.drop(e)
		s.records = slices.DeleteFunc(s.records, func(x *entry) bool { return x == e })
	}
	if b.head > len(b.order)/2 {
		b.order = slices.Clone(b.order[b.head:])
		b.head = 0
	}
}

func (b *Book) drop(e *entry) {
	e.gone = true
	b.bytes -= e.bytes
}
