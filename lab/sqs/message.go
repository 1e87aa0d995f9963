package sqs

import (
	"container/heap"
	"container/list"
	"encoding/base64"
	"strconv"
	"strings"
	"time"
)

// state is where a message is in its life.
type state int

const (
	visible  state = iota // to be received
	delayed               // sent, not to be received yet
	inFlight              // received, and hidden from others until it is deleted or its time is up
)

// message is one message of a queue.
type message struct {
	id         string
	body       string
	attributes map[string]attribute
	trace      string // AWSTraceHeader, the one system attribute a sender may set
	size       int    // bytes of body and attributes, as the service counts them
	sent       time.Time
	source     string // ARN of the queue that gave it up, for a dead letter

	state    state
	until    time.Time // when it becomes visible, unless it is
	order    uint64    // of sending; the lowest is received first
	received int       // times
	first    time.Time // received
	index    int       // in the heap that it is in
	place    *list.Element
}

// receipt is the handle of the latest reception, which alone deletes the message.
func (m *message) receipt(queue string) string {
	return base64.StdEncoding.EncodeToString([]byte(queue + "/" + m.id + "/" + strconv.Itoa(m.received)))
}

// readReceipt takes a handle apart; ok is false for what no queue ever gave.
func readReceipt(handle, queue string) (id string, reception int, ok bool) {
	raw, err := base64.StdEncoding.DecodeString(handle)
	parts := strings.Split(string(raw), "/")
	if err != nil || len(parts) != 3 || parts[0] != queue {
		return "", 0, false
	}
	reception, err = strconv.Atoi(parts[2])
	return parts[1], reception, err == nil
}

// pile is a heap of messages that know their place in it.
type pile struct {
	items []*message
	less  func(a, b *message) bool
}

func earlierSent(a, b *message) bool   { return a.order < b.order }
func soonerVisible(a, b *message) bool { return a.until.Before(b.until) }

// Len implements heap.Interface.
func (p *pile) Len() int { return len(p.items) }

// Less implements heap.Interface.
func (p *pile) Less(i, j int) bool { return p.less(p.items[i], p.items[j]) }

// Swap implements heap.Interface.
func (p *pile) Swap(i, j int) {
	p.items[i], p.items[j] = p.items[j], p.items[i]
	p.items[i].index, p.items[j].index = i, j
}

// Push implements heap.Interface.
func (p *pile) Push(x any) {
	m := x.(*message) //nolint:forcetypeassert // only messages are pushed
	m.index = len(p.items)
	p.items = append(p.items, m)
}

// Pop implements heap.Interface.
func (p *pile) Pop() any {
	last := len(p.items) - 1
	m := p.items[last]
	p.items[last] = nil
	p.items = p.items[:last]
	return m
}

func (p *pile) add(m *message)  { heap.Push(p, m) }
func (p *pile) drop(m *message) { heap.Remove(p, m.index) }

func (p *pile) top() *message {
	if len(p.items) == 0 {
		return nil
	}
	return p.items[0]
}
