package resource_test

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/resource"
	"github.com/prometheus/client_golang/prometheus"
)

// lines collects a log for a test to read.
type lines struct {
	mu  sync.Mutex // guards buf
	buf bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *lines) count(s string) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Count(l.buf.String(), s)
}

func TestScraper_is_not_held_up_by_a_node_that_hangs(t *testing.T) {
	good, hung := startKubelet(t, working(0.25)), startKubelet(t, working(1))
	hung.do(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	log := &lines{}
	store := resource.NewStore(time.Second)
	o := options(time.Second)
	o.RequestTimeout = 1500 * time.Millisecond
	metrics := prometheus.NewRegistry()
	scrape(t, &resource.Scraper{
		Options: o, Access: resource.Access{Insecure: true},
		Nodes: nodesOf(good.node("good"), hung.node("hung")), Store: store,
		Log: slog.New(slog.NewTextHandler(log, nil)), Metrics: metrics,
	})
	eventually(t, "the good node was scraped thrice and the other has given up once", func() bool {
		return good.scrapes.Load() >= 3 && store.Silence("hung") != ""
	})
	if why := store.Silence("hung"); !strings.Contains(why, "node hung: ") || !strings.Contains(why, "timed out after 1.5s") {
		t.Errorf("the hung node is silent for %q, want its timeout", why)
	}
	if why := store.Silence("good"); why != "" {
		t.Errorf("the good node is silent: %s", why)
	}
	if n := log.count("node not scraped"); n != 1 {
		t.Errorf("the failure was logged %d times, want once", n)
	}
	eventually(t, "both results are counted", func() bool {
		n := results(t, metrics)
		return n["success"] >= 3 && n["timeout"] >= 1 && n["error"] == 0
	})
}

// results are the scrapes counted in a registry.
func results(t *testing.T, from prometheus.Gatherer) map[string]float64 {
	t.Helper()
	families, err := from.Gather()
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "furl_scrapes_total" {
				out[m.GetLabel()[0].GetValue()] = m.GetCounter().GetValue()
			}
		}
	}
	return out
}

func TestScraper_survives_what_a_broken_kubelet_does(t *testing.T) {
	for why, c := range map[string]struct {
		handle http.HandlerFunc
		want   string
	}{
		"an error": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "boom", http.StatusInternalServerError)
		}, "500 Internal Server Error"},
		"no right to read": {func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusForbidden)
		}, "403 Forbidden"},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "https://elsewhere.invalid/", http.StatusFound)
		}, "302 Found"},
		"garbage": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("node_cpu_usage_seconds_total lots\n"))
		}, `value "lots" is no number`},
		"garbage for gzip": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte("not packed"))
		}, "gzip"},
		"an answer cut off": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "1000")
			_, _ = w.Write([]byte("node_cpu_usage_seconds_total 1\n"))
		}, "EOF"},
		"a line without end": {func(w http.ResponseWriter, _ *http.Request) {
			for range 20 {
				_, _ = w.Write(bytes.Repeat([]byte("x"), 1024))
			}
		}, "buffer full"},
		"its own error": {func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("resource_scrape_error 1\n"))
		}, "resource_scrape_error is 1"},
	} {
		t.Run(why, func(t *testing.T) {
			t.Parallel()
			k := startKubelet(t, working(1))
			k.do(c.handle)
			store, metrics := resource.NewStore(time.Second), prometheus.NewRegistry()
			scrape(t, &resource.Scraper{
				Options: options(time.Second), Access: resource.Access{Insecure: true},
				Nodes: nodesOf(k.node("n1")), Store: store, Metrics: metrics,
			})
			eventually(t, "the failure is known", func() bool { return store.Silence("n1") != "" })
			if got := store.Silence("n1"); !strings.Contains(got, c.want) || strings.Contains(got, "secret") {
				t.Errorf("silent for %q, want %q in it", got, c.want)
			}
			if n := results(t, metrics); n["error"] < 1 || n["success"]+n["timeout"] != 0 {
				t.Errorf("counted %v, want errors only", n)
			}
		})
	}
}

func TestScraper_verifies_the_kubelets_certificate(t *testing.T) {
	k := startKubelet(t, working(1))
	store := resource.NewStore(time.Second)
	scrape(t, &resource.Scraper{
		Options: options(time.Second), Access: resource.Access{ServerName: "not-in-the-certificate", CA: k.ca()},
		Nodes: nodesOf(k.node("n1")), Store: store,
	})
	eventually(t, "the failure is known", func() bool { return store.Silence("n1") != "" })
	if why := store.Silence("n1"); !strings.Contains(why, "certificate") || k.scrapes.Load() != 0 {
		t.Errorf("silent for %q after %d requests, want the certificate refused before any", why, k.scrapes.Load())
	}
}

func TestScraper_follows_a_rotated_token(t *testing.T) {
	k := startKubelet(t, working(1))
	file := filepath.Join(t.TempDir(), "token")
	turn := func(token string) {
		if err := os.WriteFile(file, []byte(token+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		k.token.Store(&token)
	}
	turn("secret-1")
	store := resource.NewStore(time.Second)
	scrape(t, &resource.Scraper{
		Options: options(time.Second), Access: resource.Access{CA: k.ca(), TokenFile: file},
		Nodes: nodesOf(k.node("n1")), Store: store,
	})
	rated := func() bool { n, ok := store.Node("n1"); return ok && n.HasCPU }
	eventually(t, "the first token works", rated)
	turn("secret-2")
	before := k.scrapes.Load()
	eventually(t, "scrapes go on", func() bool { return k.scrapes.Load() > before+3 })
	before = k.scrapes.Load()
	first, _ := store.Node("n1")
	eventually(t, "a newer sample has come", func() bool { n, _ := store.Node("n1"); return n.At.After(first.At) })
	if n := k.scrapes.Load() - before; n > 4 {
		t.Errorf("%d scrapes until the new token worked", n)
	}
}

func TestScraper_forgets_a_node_that_is_gone_and_greets_it_again(t *testing.T) {
	k := startKubelet(t, working(1))
	store := resource.NewStore(time.Second)
	list := nodesOf(k.node("n1"))
	scrape(t, &resource.Scraper{Options: options(time.Second), Access: resource.Access{CA: k.ca()}, Nodes: list, Store: store})
	known := func() bool { return store.Pods() == 1 }
	eventually(t, "its pod is known", known)
	none := []resource.Node{}
	list.list.Store(&none)
	eventually(t, "its pod is forgotten", func() bool { return !known() })
	again := []resource.Node{k.node("n1")}
	list.list.Store(&again)
	eventually(t, "its pod is known again", known)
}

func TestScraper_keeps_to_the_selected_nodes(t *testing.T) {
	in, out := startKubelet(t, working(1)), startKubelet(t, working(1))
	a, b := in.node("a"), out.node("b")
	a.Labels, b.Labels = map[string]string{"zone": "here"}, map[string]string{"zone": "there"}
	store := resource.NewStore(time.Second)
	o := options(time.Second)
	o.NodeSelector = "zone=here"
	scrape(t, &resource.Scraper{Options: o, Access: resource.Access{Insecure: true}, Nodes: nodesOf(a, b), Store: store})
	eventually(t, "the selected node was scraped thrice", func() bool { return in.scrapes.Load() >= 3 })
	if n := out.scrapes.Load(); n != 0 {
		t.Errorf("the other node was scraped %d times", n)
	}
}

func TestScraper_refuses_to_run_with_what_cannot_work(t *testing.T) {
	for why, s := range map[string]*resource.Scraper{
		"a file that is not there": {Options: options(time.Second), Access: resource.Access{CAFile: "/nowhere/ca.crt"}},
		"a CA that is none":        {Options: options(time.Second), Access: resource.Access{CA: []byte("hello")}},
		"half a certificate":       {Options: options(time.Second), Access: resource.Access{Cert: []byte("hello")}},
		"a resolution of nothing":  {Options: options(0)},
	} {
		s.Clock, s.Nodes, s.Store = time.Now, nodesOf(), resource.NewStore(time.Second)
		if err := s.Run(t.Context()); err == nil {
			t.Errorf("%s: Run began", why)
		}
	}
}

func TestTurn_spreads_nodes_evenly_and_keeps_their_place(t *testing.T) {
	const resolution, nodes = 10 * time.Second, 1000
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.UTC)
	var tenths [10]int
	for i := range nodes {
		name := fmt.Sprintf("ip-10-0-%d-%d.eu-central-1.compute.internal", i/250, i%250)
		first := resource.Turn(name, resolution, at)
		if first.Before(at) || first.Sub(at) >= resolution {
			t.Fatalf("%s: turn at %s, want within %s of %s", name, first, resolution, at)
		}
		if next := resource.Turn(name, resolution, first.Add(1)); next.Sub(first) != resolution {
			t.Fatalf("%s: turns %s apart, want %s", name, next.Sub(first), resolution)
		}
		tenths[first.UnixNano()%int64(resolution)*10/int64(resolution)]++
	}
	for i, n := range tenths {
		if n < nodes/10*6/10 || n > nodes/10*14/10 {
			t.Errorf("%d of %d nodes in tenth %d of the interval: %v", n, nodes, i, tenths)
		}
	}
}
