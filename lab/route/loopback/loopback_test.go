package loopback_test

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"testing"

	"github.com/furl-dev/furl/lab/route/loopback"
)

func TestDial(t *testing.T) {
	l, err := loopback.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "hello")
			_ = c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	for _, host := range []string{"127.0.0.1", "localhost"} {
		t.Run("reaches_"+host, func(t *testing.T) {
			c, err := loopback.Dial(t.Context(), "tcp", net.JoinHostPort(host, port))
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = c.Close() }()
			if got, err := io.ReadAll(c); err != nil || string(got) != "hello" {
				t.Errorf("read %q, %v", got, err)
			}
		})
	}
}

func TestDialRefuses(t *testing.T) {
	for _, test := range []struct{ network, address, why string }{
		{"tcp", "10.0.0.1:80", "another network"},
		{"tcp", "128.0.0.1:80", "just above the range"},
		{"tcp", "126.255.255.255:80", "just below the range"},
		{"tcp", "0.0.0.0:80", "any address is every address"},
		{"tcp", "[::1]:80", "IPv6 is not guarded, so not allowed"},
		{"tcp", "[::ffff:127.0.0.1]:80", "nor in disguise"},
		{"tcp", "[::ffff:10.0.0.1]:80", "nor in disguise"},
		{"tcp", "localhost.localdomain:80", "a name, which a resolver could send anywhere"},
		{"tcp", "127.0.0.1.example.com:80", "a name that looks like an address"},
		{"tcp", "2130706433:80", "a number that some resolvers read as 127.0.0.1"},
		{"tcp", "0x7f.1:80", "or in hexadecimal"},
		{"udp", "127.0.0.1:53", "name servers are asked by UDP"},
		{"unix", "/run/docker.sock", "a socket of the host"},
	} {
		t.Run(test.why, func(t *testing.T) {
			c, err := loopback.Dial(t.Context(), test.network, test.address)
			if err == nil {
				_ = c.Close()
			}
			if !errors.Is(err, loopback.ErrOutside) && !strings.Contains(test.address, "docker") {
				t.Errorf("dial %s %s: %v, want ErrOutside", test.network, test.address, err)
			}
			if err == nil {
				t.Errorf("dial %s %s connected", test.network, test.address)
			}
		})
	}
}

func TestListenRefuses(t *testing.T) {
	for _, address := range []string{"0.0.0.0:0", ":0", "[::]:0", "[::1]:0", "192.168.1.1:0"} {
		l, err := loopback.Listen(context.Background(), address)
		if err == nil {
			_ = l.Close()
		}
		if !errors.Is(err, loopback.ErrOutside) {
			t.Errorf("listen on %s: %v, want ErrOutside", address, err)
		}
	}
}

func FuzzDial(f *testing.F) {
	for _, seed := range []string{"127.0.0.1:1", "8.8.8.8:53", "localhost:1", "[::1%lo]:1", "127.1:1", "@:1"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, address string) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel() // nothing is to be connected: only the guard's answer counts
		_, err := loopback.Dial(ctx, "tcp", address)
		if errors.Is(err, context.Canceled) && !strings.HasPrefix(address, "127.") && !strings.HasPrefix(address, "localhost:") {
			t.Errorf("the guard let %q through", address)
		}
	})
}
