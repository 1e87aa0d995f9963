package ports

import (
	"errors"
	"net"
	"net/netip"
	"testing"
)

func TestOpen_gives_the_port_itself_where_it_can_be_bound(t *testing.T) {
	var p Ports
	got, err := p.Open(t.Context(), "127.64.77.2", 18080)
	if err != nil || got != "127.64.77.2:18080" {
		t.Errorf("opened %s: %v", got, err)
	}
	if at, ok := p.Lookup("127.64.77.2", 18080); !ok || at != got {
		t.Errorf("looked up %s, %v", at, ok)
	}
	if again, _ := p.Open(t.Context(), "127.64.77.2", 18080); again != got {
		t.Errorf("opened again: %s", again)
	}
}

func TestOpen_finds_another_socket_for_a_port_that_is_taken(t *testing.T) {
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.64.77.3:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	taken := netip.MustParseAddrPort(l.Addr().String())
	var p Ports
	got, err := p.Open(t.Context(), "127.64.77.3", int32(taken.Port()))
	if err != nil {
		t.Fatal(err)
	}
	at := netip.MustParseAddrPort(got)
	if at == taken || at.Addr() != taken.Addr() {
		t.Errorf("opened %s, want another port of %s", got, taken.Addr())
	}
}

func TestOpen_falls_back_to_the_loopback_address(t *testing.T) {
	var p Ports
	got, err := p.Open(t.Context(), "192.0.2.1", 80) // no address of this machine, as 127.64.0.2 on macOS
	if err != nil || !netip.MustParseAddrPort(got).Addr().IsLoopback() {
		t.Errorf("opened %s: %v", got, err)
	}
}

func TestRelease_forgets_one_pod(t *testing.T) {
	var p Ports
	for _, ip := range []string{"127.64.77.4", "127.64.77.5"} {
		if _, err := p.Open(t.Context(), ip, 18080); err != nil {
			t.Fatal(err)
		}
	}
	p.Release("127.64.77.4")
	if _, ok := p.Lookup("127.64.77.4", 18080); ok {
		t.Error("a released port is still there")
	}
	if _, ok := p.Lookup("127.64.77.5", 18080); !ok {
		t.Error("another pod's port is gone")
	}
}

func TestAddresses_are_unique_and_come_back_late(t *testing.T) {
	a := NewAddresses(netip.MustParsePrefix("127.64.3.0/29"))
	seen := map[netip.Addr]bool{}
	var first netip.Addr
	for i := range 6 {
		at, err := a.Take()
		if err != nil {
			t.Fatal(err)
		}
		if seen[at] || !netip.MustParsePrefix("127.64.3.0/29").Contains(at) {
			t.Errorf("address %s", at)
		}
		if i == 0 {
			first = at
		}
		seen[at] = true
	}
	if _, err := a.Take(); !errors.Is(err, ErrNoAddress) {
		t.Errorf("a seventh of six addresses: %v", err)
	}
	a.Give(first)
	if at, err := a.Take(); err != nil || at != first {
		t.Errorf("took %s: %v, want %s again", at, err, first)
	}

	b := NewAddresses(netip.MustParsePrefix("127.64.3.0/29"))
	one, _ := b.Take()
	b.Give(one)
	if two, _ := b.Take(); two == one {
		t.Error("an address was handed out again at once though others are free")
	}
}
