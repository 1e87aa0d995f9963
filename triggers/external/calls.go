package external

import (
	"context"
	"errors"
	"sync"
)

var errClosed = errors.New("the source is closed")

// calls ends what is under way when its source is closed: the connection may
// be shared, so closing it is not the way.
type calls struct {
	mu     sync.Mutex // guards the fields below
	closed bool
	next   int
	open   map[int]context.CancelCauseFunc
}

// begin derives the context of a call, and returns what to call after it.
func (c *calls) begin(ctx context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		cancel(errClosed)
		return ctx, func() {}
	}
	if c.open == nil {
		c.open = make(map[int]context.CancelCauseFunc)
	}
	id := c.next
	c.next++
	c.open[id] = cancel
	return ctx, func() {
		cancel(nil)
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.open, id)
	}
}

func (c *calls) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	for _, cancel := range c.open {
		cancel(errClosed)
	}
}
