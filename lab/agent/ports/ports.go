// Package ports knows where a pod's port really is.
//
// A pod has an address of its own in 127.0.0.0/8, but its program may not be allowed to bind the port it declares
// (below 1024 without privileges), or the address may not exist on this machine (macOS knows 127.0.0.1 only).
// Then another socket stands for it, and whoever wants to reach a pod asks here.
package ports

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"sync"
)

type port struct {
	ip     string
	number int32
}

// Ports maps a pod's address and port to the socket behind it. The zero value is ready; it is safe for concurrent use,
// and one of them serves all nodes of a lab.
type Ports struct {
	mu   sync.RWMutex // guards real
	real map[port]string
}

// Lookup gives the host:port behind a port of a pod. Without an entry nothing listens there that the lab knows of.
func (p *Ports) Lookup(ip string, number int32) (string, bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	address, ok := p.real[port{ip, number}]
	return address, ok
}

// Open finds a socket for a port of a pod and remembers it: the port itself where it can be bound, else a high one on
// the pod's address, else a high one on the loopback address.
func (p *Ports) Open(ctx context.Context, ip string, number int32) (string, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if address, ok := p.real[port{ip, number}]; ok {
		return address, nil
	}
	var errs []error
	for _, try := range []string{
		net.JoinHostPort(ip, strconv.Itoa(int(number))), // what the pod says
		net.JoinHostPort(ip, "0"),                       // below 1024 without privileges
		"127.0.0.1:0",                                   // no such address on this machine
	} {
		address, err := bindable(ctx, try)
		if err == nil && !p.taken(address) {
			if p.real == nil {
				p.real = map[port]string{}
			}
			p.real[port{ip, number}] = address
			return address, nil
		}
		errs = append(errs, err)
	}
	return "", fmt.Errorf("finding a socket for port %d of pod address %s: %w", number, ip, errors.Join(errs...))
}

// Release forgets every port of a pod.
func (p *Ports) Release(ip string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k := range p.real {
		if k.ip == ip {
			delete(p.real, k)
		}
	}
}

// taken needs mu.
func (p *Ports) taken(address string) bool {
	for _, a := range p.real {
		if a == address {
			return true
		}
	}
	return false
}

// bindable binds address for a moment. Nobody else binds on a pod's address, so it is still free afterwards.
func bindable(ctx context.Context, address string) (string, error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	got := l.Addr().String()
	return got, l.Close()
}

// ErrNoAddress says that every address of the node's range is in use.
var ErrNoAddress = errors.New("no pod address is left on this node")

// Addresses hands out the pod addresses of one node, each to one pod at a time, and the one longest free first, so that
// who still holds an old address does not reach a new pod.
type Addresses struct {
	prefix netip.Prefix

	mu   sync.Mutex // guards next and used
	next netip.Addr
	used map[netip.Addr]bool
}

// NewAddresses hands out the addresses of prefix but its first and last.
func NewAddresses(prefix netip.Prefix) *Addresses {
	prefix = prefix.Masked()
	return &Addresses{prefix: prefix, next: prefix.Addr().Next(), used: map[netip.Addr]bool{}}
}

// Take gives a free address, or [ErrNoAddress].
func (a *Addresses) Take() (netip.Addr, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	first := a.prefix.Addr().Next()
	for at, looked := a.next, false; !looked || at != a.next; at, looked = a.after(at, first), true {
		if !a.used[at] {
			a.used[at] = true
			a.next = a.after(at, first)
			return at, nil
		}
	}
	return netip.Addr{}, fmt.Errorf("%w: all of %s are in use", ErrNoAddress, a.prefix)
}

// after is the address after at, going round. The last one of the range is left out, as a broadcast address is.
func (a *Addresses) after(at, first netip.Addr) netip.Addr {
	n := at.Next()
	if !n.IsValid() || !a.prefix.Contains(n) || !a.prefix.Contains(n.Next()) {
		return first
	}
	return n
}

// Give returns an address.
func (a *Addresses) Give(at netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.used, at)
}
