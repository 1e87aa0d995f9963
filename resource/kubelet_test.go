package resource_test

import (
	"compress/gzip"
	"context"
	"encoding/pem"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/furl-dev/furl/resource"
)

// kubelet is a fake that serves /metrics/resource over TLS as a kubelet does.
type kubelet struct {
	*httptest.Server
	scrapes     atomic.Int64
	connections atomic.Int64
	handle      atomic.Pointer[http.HandlerFunc] // instead of the usual answer
	answer      func() string
	token       atomic.Pointer[string] // required if set
}

func startKubelet(t *testing.T, answer func() string) *kubelet {
	t.Helper()
	k := &kubelet{answer: answer}
	k.Server = httptest.NewUnstartedServer(http.HandlerFunc(k.serve))
	k.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)
	k.Config.ConnState = func(_ net.Conn, s http.ConnState) {
		if s == http.StateNew {
			k.connections.Add(1)
		}
	}
	k.StartTLS()
	t.Cleanup(k.Close)
	return k
}

func (k *kubelet) serve(w http.ResponseWriter, r *http.Request) {
	k.scrapes.Add(1)
	if h := k.handle.Load(); h != nil {
		(*h)(w, r)
		return
	}
	if t := k.token.Load(); t != nil && r.Header.Get("Authorization") != "Bearer "+*t {
		http.Error(w, "Unauthorized", http.StatusUnauthorized)
		return
	}
	if r.URL.Path != "/metrics/resource" {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	body := io.Writer(w)
	if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }()
		body = z
	}
	_, _ = io.WriteString(body, k.answer())
}

func (k *kubelet) do(h http.HandlerFunc) { k.handle.Store(&h) }

func (k *kubelet) node(name string) resource.Node {
	host, port, _ := net.SplitHostPort(k.Listener.Addr().String())
	n, _ := strconv.Atoi(port)
	return resource.Node{
		Name: name, Ready: true, Port: int32(n),
		Addresses: []resource.Address{{Type: "InternalIP", Address: host}},
	}
}

// ca returns the PEM that verifies the fake.
func (k *kubelet) ca() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: k.Certificate().Raw})
}

// nodes is a fixed list that a test may replace.
type nodes struct {
	list atomic.Pointer[[]resource.Node]
}

func nodesOf(list ...resource.Node) *nodes {
	n := &nodes{}
	n.list.Store(&list)
	return n
}

func (n *nodes) Nodes() []resource.Node { return *n.list.Load() }

// realTime waits on the machine's clock.
type realTime struct{}

func (realTime) Wait(ctx context.Context, until time.Time) error {
	t := time.NewTimer(time.Until(until))
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// working is an answer in which the container has used cores since 1970.
func working(cores float64) func() string {
	return func() string {
		now := time.Now().UnixMilli()
		used := float64(now) / 1000 * cores
		return fmt.Sprintf("# TYPE container_cpu_usage_seconds_total counter\n"+
			"container_cpu_usage_seconds_total{container=\"main\",namespace=\"shop\",pod=\"web-1\"} %.3f %d\n"+
			"container_memory_working_set_bytes{container=\"main\",namespace=\"shop\",pod=\"web-1\"} 1.048576e+07 %[2]d\n"+
			"container_start_time_seconds{container=\"main\",namespace=\"shop\",pod=\"web-1\"} 1e9\n"+
			"node_cpu_usage_seconds_total %[1]f %[2]d\nnode_memory_working_set_bytes 2e9 %[2]d\n"+
			"resource_scrape_error 0\n", used, now)
	}
}

// scrape runs a scraper until the test ends.
func scrape(t *testing.T, s *resource.Scraper) {
	t.Helper()
	if s.Waiter == nil {
		s.Waiter = realTime{}
	}
	s.Clock = time.Now
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
}

func options(resolution time.Duration) resource.Options {
	o := resource.DefaultOptions()
	o.MetricResolution, o.RequestTimeout = resolution, 2*time.Second
	return o
}

// eventually polls until ok or the test's patience ends.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	late := time.After(15 * time.Second)
	for !ok() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("waited in vain until %s", what)
		}
	}
}

func TestScraper_turns_a_kubelets_counters_into_usage(t *testing.T) {
	k := startKubelet(t, working(0.25))
	store := resource.NewStore(time.Second)
	news := make(chan resource.Scraped, 100)
	store.Subscribe(func(s resource.Scraped) { news <- s })
	scrape(t, &resource.Scraper{
		Options: options(time.Second), Access: resource.Access{CA: k.ca()},
		Nodes: nodesOf(k.node("n1")), Store: store,
	})
	eventually(t, "the pod has a CPU rate", func() bool {
		_, _, _, missing := store.PodUsage("shop", "web-1", "", true)
		return missing == ""
	})
	milli, at, window, _ := store.PodUsage("shop", "web-1", "main", true)
	if milli < 249 || milli > 252 || window < time.Second || time.Since(at) > 10*time.Second {
		t.Errorf("PodUsage = %d millicores over %s at %s; want 250", milli, window, at)
	}
	if milli, _, _, _ := store.PodUsage("shop", "web-1", "", false); milli != 10<<20*1000 {
		t.Errorf("memory = %d millibytes, want 10 MiB", milli)
	}
	if n, ok := store.Node("n1"); !ok || n.CPU < 249 || n.Memory != 2e9 {
		t.Errorf("Node = %+v, %v", n, ok)
	}
	if s := <-news; s.Node != "n1" || len(s.Pods) != 1 || s.Pods[0].Name != "web-1" {
		t.Errorf("told of %+v, want the pod", s)
	}
	if n := k.connections.Load(); n != 1 {
		t.Errorf("%d scrapes took %d connections, want one kept alive", k.scrapes.Load(), n)
	}
}
