package cluster

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"

	"github.com/furl-dev/furl/lab/route/loopback"
)

// slots is how many labs fit side by side on one machine, each with address ranges of its own within 127.0.0.0/8:
//
//	127.64+slot.NODE.0/24    pods of a process node
//	127.80+slot.0.0/16       kubelets of simulated nodes
//	127.95.SLOT.N            forward proxies, one per namespace
//	127.96+slot.0.0/16       Services
//	127.200+slot.0.0/16      pods of simulated nodes, where nothing ever listens
const slots = 15

// claimPort is held on an address of the slot for as long as the lab runs.
const claimPort = 3127

type addresses struct{ slot int }

func (a addresses) prefix(base, third, bits int) netip.Prefix {
	return netip.PrefixFrom(ip(base+a.slot, third, 0), bits)
}

// ip is 127.second.third.fourth, each of which is below 256.
func ip(second, third, fourth int) netip.Addr {
	return netip.AddrFrom4([4]byte{127, byte(second), byte(third), byte(fourth)}) //nolint:gosec // slots and maxNodes keep all below 256
}

func (a addresses) pods(node int) netip.Prefix { return a.prefix(64, node, 24) }
func (a addresses) simNodes() netip.Prefix     { return a.prefix(80, 0, 16) }
func (a addresses) proxies() netip.Prefix {
	return netip.PrefixFrom(ip(95, a.slot, 0), 24)
}
func (a addresses) services() netip.Prefix { return a.prefix(96, 0, 16) }
func (a addresses) simPods() netip.Prefix  { return a.prefix(200, 0, 16) }

// claim takes the slot, or any free one when slot is negative, and holds it until the listener is closed. The listener
// is nil where the system knows no loopback address but 127.0.0.1: there the ranges are names only and may overlap.
func claim(ctx context.Context, slot int) (addresses, net.Listener, error) {
	candidates := []int{slot}
	if slot < 0 {
		candidates = candidates[:0]
		for s := range slots {
			candidates = append(candidates, s)
		}
	}
	var last error
	for _, s := range candidates {
		a := addresses{slot: s}
		at := netip.AddrPortFrom(ip(95, s, 254), claimPort)
		l, err := loopback.Listen(ctx, at.String())
		switch {
		case err == nil:
			return a, l, nil
		case errors.Is(err, syscall.EADDRNOTAVAIL):
			return a, nil, nil
		}
		last = err
	}
	if slot >= 0 {
		return addresses{}, nil, fmt.Errorf("another lab uses the address range of this one: stop it, or delete this one with --dir or --name and furl lab down: %w", last)
	}
	return addresses{}, nil, fmt.Errorf("%d labs run on this machine already, there is room for no more: %w", slots, last)
}

// freePorts fills in the ports that are not chosen yet or taken by now.
func freePorts(ctx context.Context, p Ports) (Ports, error) {
	// All are held until the last is found, so that no two are the same.
	var held []net.Listener
	defer func() {
		for _, l := range held {
			_ = l.Close()
		}
	}()
	for _, port := range []*int{&p.API, &p.Etcd, &p.Peer, &p.Operator, &p.Metrics, &p.Webhooks, &p.SQS} {
		l, err := loopback.Listen(ctx, net.JoinHostPort("127.0.0.1", strconv.Itoa(*port)))
		if err != nil {
			l, err = loopback.Listen(ctx, "127.0.0.1:0")
		}
		if err != nil {
			return Ports{}, fmt.Errorf("find a free port: %w", err)
		}
		held = append(held, l)
		at, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return Ports{}, fmt.Errorf("find a free port: %w", err)
		}
		*port = int(at.Port())
	}
	return p, nil
}
