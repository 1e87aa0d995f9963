package kube

import (
	"net"
	"net/http/httptest"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestPrompt_drops_what_is_not_acknowledged(t *testing.T) {
	server := httptest.NewServer(nil)
	defer server.Close()
	c, err := prompt(5*time.Second)(t.Context(), "tcp", server.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	tcp, ok := c.(*net.TCPConn)
	if !ok {
		t.Fatalf("it connects by %T, which is no TCP connection", c)
	}
	raw, err := tcp.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	if got := userTimeout(t, raw); got != 5*time.Second {
		t.Errorf("the kernel keeps what is not acknowledged for %v, want 5s", got)
	}
}

func userTimeout(t *testing.T, raw syscall.RawConn) time.Duration {
	t.Helper()
	var got int
	var failed error
	err := raw.Control(func(fd uintptr) {
		got, failed = unix.GetsockoptInt(int(fd), unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT)
	})
	if err != nil || failed != nil {
		t.Fatal(err, failed)
	}
	return time.Duration(got) * time.Millisecond
}
