package route

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"sync"

	"github.com/furl-dev/furl/lab/route/loopback"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/tools/cache"
)

// doors are the listeners on the addresses of Services.
type doors struct {
	mu   sync.Mutex // guards open
	open map[cache.ObjectName]map[int32]*door
}

// door is the listener on one port of a Service.
type door struct {
	ip       string
	listener net.Listener
}

// set opens the ports that the Service has and closes those that it has no more.
func (d *doors) set(ctx context.Context, r *Router, name cache.ObjectName, s *service) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	have := d.open[name]
	if have == nil {
		have = map[int32]*door{}
		d.open[name] = have
	}
	for port, one := range have {
		if _, ok := s.ports[port]; !ok || one.ip != s.ip || s.protocol[port] != corev1.ProtocolTCP {
			_ = one.listener.Close()
			delete(have, port)
		}
	}
	if s.ip == "" {
		return nil
	}
	var errs []error
	for port := range s.ports {
		if have[port] != nil || s.protocol[port] != corev1.ProtocolTCP {
			continue
		}
		l, err := listen(ctx, s.ip, port)
		if err != nil {
			errs = append(errs, fmt.Errorf("listen for service %s: %w", name, err))
			continue
		}
		have[port] = &door{ip: s.ip, listener: l}
		r.ended.Go(func() { r.accept(ctx, l, name, port) })
	}
	return errors.Join(errs...)
}

// listen opens the port itself, or else some port of the address: below 1024 it takes privileges. Where the machine knows
// no address but 127.0.0.1, the Service has to be reached by its name.
func listen(ctx context.Context, ip string, port int32) (net.Listener, error) {
	var errs []error
	for _, try := range []string{
		net.JoinHostPort(ip, strconv.Itoa(int(port))),
		net.JoinHostPort(ip, "0"),
		"127.0.0.1:0",
	} {
		l, err := loopback.Listen(ctx, try)
		if err == nil {
			return l, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// Lookup returns where a port of a Service really listens.
func (r *Router) Lookup(name cache.ObjectName, port int32) (string, bool) {
	r.doors.mu.Lock()
	defer r.doors.mu.Unlock()
	one := r.doors.open[name][port]
	if one == nil {
		return "", false
	}
	return one.listener.Addr().String(), true
}

func (d *doors) close(name cache.ObjectName) {
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, one := range d.open[name] {
		_ = one.listener.Close()
	}
	delete(d.open, name)
}

func (d *doors) closeAll() {
	d.mu.Lock()
	defer d.mu.Unlock()
	for name, ports := range d.open {
		for _, one := range ports {
			_ = one.listener.Close()
		}
		delete(d.open, name)
	}
}

// accept leads every connection to a ready pod. One that finds none is closed, as a closed port would.
func (r *Router) accept(ctx context.Context, l net.Listener, name cache.ObjectName, port int32) {
	for {
		c, err := l.Accept()
		if err != nil {
			return // closed
		}
		r.ended.Go(func() {
			in, err := halfCloser(c)
			if err != nil {
				return
			}
			defer func() { _ = in.Close() }()
			s := r.table.get(name)
			if s == nil {
				return
			}
			all, err := s.addresses(port, r.Ports)
			if err != nil {
				return
			}
			out, err := dial(ctx, all)
			if err != nil {
				return
			}
			defer func() { _ = out.Close() }()
			splice(ctx, in, out)
		})
	}
}
