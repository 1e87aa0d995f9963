// Package clients lets sources that talk to the same server as the same user hold one client between them.
package clients

import "sync"

// Pool keeps one V for each key that somebody uses, and forgets it with its last user.
type Pool[K comparable, V any] struct {
	// Done ends a value after its last user; may be nil.
	Done func(V)

	mu   sync.Mutex // guards open and the counts in it
	open map[K]*lease[V]
}

type lease[V any] struct {
	value V
	users int
}

// Use returns the value of key, made by create where nobody uses it yet, and a
// release that may be called more than once. Of several callers at one time one makes it.
func (p *Pool[K, V]) Use(key K, create func() (V, error)) (value V, release func(), err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	l, known := p.open[key]
	if !known {
		if value, err = create(); err != nil {
			return value, nil, err
		}
		l = &lease[V]{value: value}
		p.keep(key, l)
	}
	l.users++
	return l.value, sync.OnceFunc(func() { p.release(key, l) }), nil
}

func (p *Pool[K, V]) keep(key K, l *lease[V]) {
	if p.open == nil {
		p.open = map[K]*lease[V]{}
	}
	p.open[key] = l
}

func (p *Pool[K, V]) release(key K, l *lease[V]) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l.users--; l.users > 0 {
		return
	}
	delete(p.open, key)
	if p.Done != nil {
		p.Done(l.value)
	}
}

// Len counts the values in use.
func (p *Pool[K, V]) Len() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.open)
}
