package confine

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"syscall"
	"time"
)

// ErrOutside says that an address is not on this machine's loopback network.
var ErrOutside = errors.New("only the loopback network can be reached from here")

// ErrName says that a host is a name: names are answered by the lab's forward proxy, not by the host's resolver.
var ErrName = errors.New("bad address")

// Dial connects to a loopback address, such as the lab's forward proxy, and to nothing else. No name but localhost is
// looked up.
func Dial(ctx context.Context, network, address string) (net.Conn, error) {
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return nil, fmt.Errorf("address %q: %w", address, err)
	}
	if host == "localhost" {
		host = "127.0.0.1"
	}
	ip, err := netip.ParseAddr(host)
	if err != nil {
		return nil, fmt.Errorf("%w '%s'", ErrName, host)
	}
	d := net.Dialer{Timeout: 30 * time.Second, Control: func(_, address string, _ syscall.RawConn) error {
		return loopback(address)
	}}
	return d.DialContext(ctx, network, net.JoinHostPort(ip.WithZone("").String(), port))
}

// loopback looks at the address that the kernel is about to be given.
func loopback(address string) error {
	at, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("address %q: %w", address, err)
	}
	if !at.Addr().Unmap().IsLoopback() {
		return fmt.Errorf("%s: %w", at.Addr(), ErrOutside)
	}
	return nil
}
