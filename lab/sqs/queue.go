package sqs

import (
	"container/list"
	"time"
)

// maxInFlight is the service's own limit for standard queues.
const maxInFlight = 120_000

// queue holds messages. It knows no clock: each call brings the instant. The server's mu guards it.
type queue struct {
	name     string
	settings settings
	created  time.Time
	modified time.Time

	messages map[string]*message // by id
	visible  pile                // by order of sending
	hidden   pile                // delayed and in flight, by when they become visible
	count    [3]int              // of messages, by state
	oldest   *list.List          // of messages, by when they came
	next     uint64              // order of the next message
	bytes    int                 // of all messages
	changed  chan struct{}       // closed when a message is visible, or will be sooner than was known
}

func newQueue(name string, s settings, at time.Time) *queue {
	q := &queue{name: name, settings: s, created: at, modified: at}
	q.clear()
	return q
}

// clear forgets every message.
func (q *queue) clear() {
	q.messages = map[string]*message{}
	q.visible, q.hidden = pile{less: earlierSent}, pile{less: soonerVisible}
	q.count, q.bytes, q.oldest = [3]int{}, 0, list.New()
	q.wake()
}

// wake tells everybody who waits for a message to look again.
func (q *queue) wake() {
	if q.changed != nil {
		close(q.changed)
	}
	q.changed = make(chan struct{})
}

// settle does what has become due: hidden messages appear again, and what was kept too long is dropped.
func (q *queue) settle(at time.Time) {
	for e := q.oldest.Front(); e != nil; e = q.oldest.Front() {
		m := e.Value.(*message) //nolint:forcetypeassert // only messages are in it
		if m.sent.Add(q.settings.retention).After(at) {
			break
		}
		q.remove(m)
	}
	for m := q.hidden.top(); m != nil && !m.until.After(at); m = q.hidden.top() {
		q.enter(m, visible, time.Time{})
	}
}

// add takes a message in; a dead letter keeps the instant it was first sent at.
func (q *queue) add(m *message, delay time.Duration, at time.Time) {
	m.order, q.next = q.next, q.next+1
	m.place = q.oldest.PushBack(m)
	q.messages[m.id] = m
	q.bytes += m.size
	m.index = -1
	if delay > 0 {
		q.enter(m, delayed, at.Add(delay))
		return
	}
	q.enter(m, visible, time.Time{})
}

// enter moves a message into a state.
func (q *queue) enter(m *message, to state, until time.Time) {
	q.leave(m)
	m.state, m.until = to, until
	q.count[to]++
	if to == visible {
		q.visible.add(m)
	} else {
		q.hidden.add(m)
	}
	q.wake()
}

// leave takes a message out of the state that it is in, if any.
func (q *queue) leave(m *message) {
	if m.index < 0 {
		return
	}
	q.count[m.state]--
	if m.state == visible {
		q.visible.drop(m)
	} else {
		q.hidden.drop(m)
	}
	m.index = -1
}

func (q *queue) remove(m *message) {
	q.leave(m)
	q.oldest.Remove(m.place)
	delete(q.messages, m.id)
	q.bytes -= m.size
}

// take receives up to n messages and hides them; those that were received too often are given up instead, and returned
// apart.
func (q *queue) take(n int, hide time.Duration, at time.Time) (taken, dead []*message) {
	q.settle(at)
	for len(taken) < n {
		m := q.visible.top()
		if m == nil {
			break
		}
		if limit := q.settings.redrive.maxReceives; limit > 0 && m.received >= limit {
			q.remove(m)
			dead = append(dead, m)
			continue
		}
		m.received++
		if m.received == 1 {
			m.first = at
		}
		q.enter(m, inFlight, at.Add(hide))
		taken = append(taken, m)
	}
	q.settle(at) // hidden for no time at all is visible again
	return taken, dead
}

// nextVisible is when the next hidden message appears, zero when none does.
func (q *queue) nextVisible() time.Time {
	if m := q.hidden.top(); m != nil {
		return m.until
	}
	return time.Time{}
}
