// Package loopback is the lab's only way onto the network: it dials and listens in 127.0.0.0/8 and nowhere else.
package loopback

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"syscall"
	"time"
)

// ErrOutside says that an address is not of this machine's loopback range.
var ErrOutside = errors.New("the lab speaks to 127.0.0.0/8 only")

const (
	dialTimeout = 5 * time.Second
	keepAlive   = 30 * time.Second
)

// Prefix returns the range that the lab may use.
func Prefix() netip.Prefix {
	return netip.PrefixFrom(netip.AddrFrom4([4]byte{127}), 8)
}

// Contains says whether a is an IPv4 loopback address; one that is wrapped in IPv6 is not.
func Contains(a netip.Addr) bool { return Prefix().Contains(a) }

// Dial connects to address, an IP literal of 127.0.0.0/8 or "localhost" with a port. It resolves no names, so no name
// can lead outside. It fits http.Transport.DialContext and rest.Config.Dial.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	target, err := literal(network, address)
	if err != nil {
		return nil, err
	}
	d := net.Dialer{Timeout: dialTimeout, KeepAlive: keepAlive, ControlContext: control}
	return d.DialContext(ctx, "tcp4", target.String())
}

// Listen listens on address, an IP literal of 127.0.0.0/8 with a port.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	target, err := literal("tcp", address)
	if err != nil {
		return nil, err
	}
	l := net.ListenConfig{Control: func(network, address string, c syscall.RawConn) error {
		return control(ctx, network, address, c)
	}}
	return l.Listen(ctx, "tcp4", target.String())
}

// literal parses address without asking any resolver.
func literal(network, address string) (netip.AddrPort, error) {
	if network != "tcp" && network != "tcp4" {
		return netip.AddrPort{}, fmt.Errorf("network %q of %s: %w, by TCP", network, address, ErrOutside)
	}
	host, service, err := net.SplitHostPort(address)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", address, err)
	}
	port, err := strconv.ParseUint(service, 10, 16)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("port of address %q: %w", address, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil || !Contains(ip) {
		return netip.AddrPort{}, fmt.Errorf("address %q: %w", address, ErrOutside)
	}
	return netip.AddrPortFrom(ip, uint16(port)), nil
}

// control looks once more at the address that the system is about to be given.
func control(_ context.Context, _, address string, _ syscall.RawConn) error {
	target, err := netip.ParseAddrPort(address)
	if err != nil || !Contains(target.Addr()) {
		return fmt.Errorf("address %q: %w", address, ErrOutside)
	}
	return nil
}
