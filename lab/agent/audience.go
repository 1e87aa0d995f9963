package agent

import (
	"bytes"
	"io"
	"sync"
	"time"
)

const (
	listenerChunks = 256         // pieces of output that may wait for a listener
	patience       = time.Second // then a listener that reads nothing is sent away
)

// audience is who is attached to a container. Its zero value is empty.
type audience struct {
	mu        sync.Mutex // guards all
	listeners map[*listener]bool
	over      bool
}

// listener receives output from the moment it joined. Its channel is closed at the end.
type listener struct{ chunks chan chunk }

type chunk struct {
	stream string
	bytes  []byte
}

// join gives a listener; after the container's end its channel is closed at once.
func (a *audience) join() *listener {
	l := &listener{chunks: make(chan chunk, listenerChunks)}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.over {
		close(l.chunks)
		return l
	}
	if a.listeners == nil {
		a.listeners = map[*listener]bool{}
	}
	a.listeners[l] = true
	return l
}

func (a *audience) leave(l *listener) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.listeners[l] {
		delete(a.listeners, l)
		close(l.chunks)
	}
}

func (a *audience) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.over = true
	for l := range a.listeners {
		close(l.chunks)
	}
	a.listeners = nil
}

func (a *audience) stream(name string) io.Writer { return audienceStream{a, name} }

type audienceStream struct {
	audience *audience
	name     string
}

// Write passes p to every listener. One that does not read holds the container up for a moment, then loses its place.
func (s audienceStream) Write(p []byte) (int, error) {
	a := s.audience
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.listeners) == 0 {
		return len(p), nil
	}
	c := chunk{stream: s.name, bytes: bytes.Clone(p)}
	for l := range a.listeners {
		select {
		case l.chunks <- c:
			continue
		default:
		}
		late := time.NewTimer(patience)
		select {
		case l.chunks <- c:
		case <-late.C:
			delete(a.listeners, l)
			close(l.chunks)
		}
		late.Stop()
	}
	return len(p), nil
}
