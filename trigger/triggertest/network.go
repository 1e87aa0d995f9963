package triggertest

import (
	"io"
	"net"
	"strings"
	"sync"
	"testing"
)

// overNetwork meets, below any protocol, servers that are no servers.
func (s Suite) overNetwork(t *testing.T, w *watch) {
	t.Run("nobody", func(t *testing.T) {
		l := listen(t, func(net.Conn) {})
		_ = l.Close() // its address is what is wanted: nobody has it now
		_ = s.fails(t, w, s.Address(l.Addr().String()))
	})
	t.Run("garbage", func(t *testing.T) {
		l := listen(t, func(c net.Conn) {
			_, _ = io.WriteString(c, strings.Repeat("\x00\xff{]<", 100)) // the client may have gone
			_ = c.Close()
		})
		_ = s.fails(t, w, s.Address(l.Addr().String()))
	})
	t.Run("cancel", func(t *testing.T) {
		arrived := make(chan struct{}, 100)
		l := listen(t, func(c net.Conn) {
			arrived <- struct{}{}
			_, _ = io.Copy(io.Discard, c) // until the client has gone
		})
		s.cancels(t, w, s.Address(l.Addr().String()), arrived)
	})
}

// listen serves each connection until the test ends.
func listen(t *testing.T, serve func(net.Conn)) net.Listener {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	var mu sync.Mutex // guards open
	var open []net.Conn
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mu.Lock()
			open = append(open, c)
			mu.Unlock()
			all.Go(func() { serve(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close() // it may be closed
		mu.Lock()
		for _, c := range open {
			_ = c.Close() // it may be closed
		}
		mu.Unlock()
		all.Wait()
	})
	return l
}
