package avail

import (
	"errors"
	"net"
	"sync"
)

// flow is what passes a valve.
type flow int

const (
	// flows passes everything.
	flows flow = iota
	// stuck lets nothing through and says nothing, as a network that lost its route. What was open then is not to be used
	// any more: the other end would have given it up.
	stuck
	// refused closes what there is, and what comes, at once: nobody listens.
	refused
)

// errReset is what a connection ends with that was open when the valve was shut.
var errReset = errors.New("the connection was cut by the harness")

// valve is a listener whose connections can be held up.
type valve struct {
	net.Listener

	mu     sync.Mutex // guards what follows
	flow   flow
	opened chan struct{} // closed when it flows again
	pipes  map[*pipe]bool
}

func newValve(l net.Listener) *valve {
	return &valve{Listener: l, opened: make(chan struct{}), pipes: map[*pipe]bool{}}
}

// set changes what passes.
func (v *valve) set(f flow) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.flow == stuck && f != stuck {
		close(v.opened)
		v.opened = make(chan struct{})
	}
	for p := range v.pipes {
		if p.cut || f == refused {
			_ = p.Conn.Close() // whoever uses it learns so
		}
		p.cut = p.cut || f != flows
	}
	v.flow = f
}

// Accept implements net.Listener.
func (v *valve) Accept() (net.Conn, error) {
	for {
		c, err := v.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if p := v.take(c); p != nil {
			return p, nil
		}
	}
}

// take returns nil for a connection that was closed at once.
func (v *valve) take(c net.Conn) *pipe {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.flow == refused {
		_ = c.Close() // as if nobody had listened
		return nil
	}
	p := &pipe{Conn: c, valve: v, cut: v.flow == stuck}
	v.pipes[p] = true
	return p
}

// pipe is one connection.
type pipe struct {
	net.Conn
	valve *valve
	cut   bool // it was there while nothing flowed; guarded by the valve's lock
}

// pass waits while nothing flows.
func (p *pipe) pass() error {
	v := p.valve
	v.mu.Lock()
	cut, stuck, opened := p.cut, v.flow == stuck, v.opened
	v.mu.Unlock()
	if stuck {
		<-opened
	}
	if cut {
		return errReset
	}
	return nil
}

func (p *pipe) Read(b []byte) (int, error) {
	n, err := p.Conn.Read(b)
	if cut := p.pass(); cut != nil {
		return 0, cut
	}
	return n, err
}

func (p *pipe) Write(b []byte) (int, error) {
	if err := p.pass(); err != nil {
		return 0, err
	}
	return p.Conn.Write(b)
}

func (p *pipe) Close() error {
	p.valve.mu.Lock()
	defer p.valve.mu.Unlock()
	delete(p.valve.pipes, p)
	return p.Conn.Close()
}
