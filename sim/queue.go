package sim

import (
	"cmp"
	"container/heap"
	"time"
)

// kind is what an event is. Of events at one instant, the lower kind comes first: the world changes, then it is measured,
// then it is decided on.
type kind uint8

const (
	changeOfLoad kind = iota // number is the step
	readiness                // number is the pod's
	scrape
	samples // of a scrape arrive
	wakeUp  // the loop asked for it; number tells whether it still counts
)

type event struct {
	at     time.Duration // since the start of the run
	kind   kind
	number int
	order  int // in which it was asked for
}

// queue gives events in the order of their instants. Ties have an order too, so that a run has one course.
type queue struct {
	events eventHeap
	asked  int
}

func (q *queue) push(e event) {
	q.asked++
	e.order = q.asked
	heap.Push(&q.events, e)
}

func (q *queue) pop() (event, bool) {
	if len(q.events) == 0 {
		return event{}, false
	}
	e, is := heap.Pop(&q.events).(event)
	return e, is
}

type eventHeap []event

// Len implements heap.Interface.
func (h eventHeap) Len() int { return len(h) }

// Less implements heap.Interface.
func (h eventHeap) Less(i, j int) bool {
	return cmp.Or(cmp.Compare(h[i].at, h[j].at), cmp.Compare(h[i].kind, h[j].kind), cmp.Compare(h[i].order, h[j].order)) < 0
}

// Swap implements heap.Interface.
func (h eventHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *eventHeap) Push(x any) {
	if e, is := x.(event); is {
		*h = append(*h, e)
	}
}

// Pop implements heap.Interface.
func (h *eventHeap) Pop() any {
	last := len(*h) - 1
	e := (*h)[last]
	*h = (*h)[:last]
	return e
}
