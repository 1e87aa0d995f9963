package triggertest_test

import (
	"bufio"
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest"
)

// line is a trigger over a protocol of its own: a server says a number and a newline.
type line struct {
	Address string  `cfg:"address" doc:"HOST:PORT of the server"`
	Target  float64 `cfg:"target,default=1,role=target" doc:"the number for one replica"`
}

type lineSource struct {
	line
	now func() time.Time
}

func openLine(_ context.Context, l line, e trigger.Env) (trigger.Source, error) {
	return &lineSource{l, e.Now}, nil
}

func (s *lineSource) Read(ctx context.Context) (trigger.Sample, error) {
	c, err := new(net.Dialer).DialContext(ctx, "tcp", s.Address)
	if err != nil {
		return trigger.Sample{}, err
	}
	defer func() { _ = c.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = c.Close() })
	defer stop()
	text, err := bufio.NewReader(c).ReadString('\n')
	if err != nil {
		return trigger.Sample{}, fmt.Errorf("read %s: %w", s.Address, err)
	}
	n, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	return trigger.Sample{At: s.now(), Value: n}, err
}

func (*lineSource) Close() error { return nil }

func TestRun_holds_for_a_source_over_another_protocol(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: trigger.Define("line", "Reads a number from a line.", openLine),
		Input: func(address string) trigger.Input {
			return trigger.Input{Metadata: map[string]string{"address": address}}
		},
		Want: 7, Start: startLine, Address: func(hostport string) string { return hostport },
	})
}

// startLine says 7 to everybody.
func startLine(t *testing.T) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			_, _ = fmt.Fprintln(c, 7)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		_ = l.Close()
		<-ended
	})
	return l.Addr().String()
}
