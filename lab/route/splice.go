package route

import (
	"context"
	"errors"
	"io"
	"net"
	"sync"
)

// conn is a connection whose writing end can be closed alone, so that "I have no more to say" gets through.
type conn interface {
	net.Conn
	CloseWrite() error
}

var errNoHalfClose = errors.New("connection cannot be half-closed")

// halfCloser takes over c: it is closed when it is not one.
func halfCloser(c net.Conn) (conn, error) {
	h, ok := c.(conn)
	if !ok {
		_ = c.Close()
		return nil, errNoHalfClose
	}
	return h, nil
}

// splice copies both ways until both sides have said all, or ctx ends. The caller closes them.
func splice(ctx context.Context, a, b conn) {
	stop := context.AfterFunc(ctx, func() {
		_ = a.Close()
		_ = b.Close()
	})
	defer stop()
	var both sync.WaitGroup
	both.Go(func() { oneWay(a, b) })
	both.Go(func() { oneWay(b, a) })
	both.Wait()
}

func oneWay(to, from conn) {
	if _, err := io.Copy(to, from); err != nil {
		// Half a connection is of no use to either side.
		_ = to.Close()
		_ = from.Close()
		return
	}
	_ = to.CloseWrite()
}
