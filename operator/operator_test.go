package operator

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/resource"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/spf13/pflag"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func TestConfig_takes_upstreams_flags(t *testing.T) {
	c := DefaultConfig()
	fs := pflag.NewFlagSet("operator", pflag.ContinueOnError)
	c.AddFlags(fs)
	err := fs.Parse([]string{
		"--horizontal-pod-autoscaler-tolerance=0.2", "--horizontal-pod-autoscaler-downscale-stabilization=2m",
		"--horizontal-pod-autoscaler-cpu-initialization-period=1m", "--horizontal-pod-autoscaler-initial-readiness-delay=10s",
		"--hpa-controller=on", "--resource-metrics=api", "--metric-resolution=4s", "--secure-port=0",
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	want := DefaultConfig().Defaults
	want.Tolerance, want.DownscaleStabilization = 0.2, 2*time.Minute
	want.CPUInitialization, want.InitialReadiness = time.Minute, 10*time.Second
	if diff := cmp.Diff(want, c.Defaults); diff != "" {
		t.Errorf("defaults (-want +got):\n%s", diff)
	}
	if c.Control != "on" || c.Scrape.MetricResolution != 4*time.Second {
		t.Errorf("hpa-controller %q, metric-resolution %v", c.Control, c.Scrape.MetricResolution)
	}
}

func TestConfig_names_the_flag_that_is_wrong(t *testing.T) {
	for flag, spoil := range map[string]func(*Config){
		"--hpa-controller":   func(c *Config) { c.Control = "yes" },
		"--scaled-objects":   func(c *Config) { c.ScaledObjects = "auto" },
		"--resource-metrics": func(c *Config) { c.ResourceMetrics = "prometheus" },
		"--namespace":        func(c *Config) { c.Namespace = "" },
		"--concurrent-horizontal-pod-autoscaler-syncs":          func(c *Config) { c.Workers = 0 },
		"--horizontal-pod-autoscaler-tolerance":                 func(c *Config) { c.Defaults.Tolerance = -1 },
		"--horizontal-pod-autoscaler-downscale-stabilization":   func(c *Config) { c.Defaults.DownscaleStabilization = -1 },
		"--horizontal-pod-autoscaler-cpu-initialization-period": func(c *Config) { c.Defaults.CPUInitialization = -1 },
		"--horizontal-pod-autoscaler-initial-readiness-delay":   func(c *Config) { c.Defaults.InitialReadiness = -1 },
		"--hpa-unserved-after":                                  func(c *Config) { c.UnservedAfter = 0 },
		"--metric-resolution":                                   func(c *Config) { c.Scrape.MetricResolution = time.Millisecond },
	} {
		c := DefaultConfig()
		spoil(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), flag) {
			t.Errorf("error %v, want one that names %s", err, flag)
		}
	}
	c := DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Errorf("the default is wrong: %v", err)
	}
}

func TestHealth_is_ready_when_the_watches_are(t *testing.T) {
	r := prometheus.NewRegistry()
	c := prometheus.NewCounter(prometheus.CounterOpts{Name: "furl_test_total", Help: "A test."})
	r.MustRegister(c)
	h := newHealth(freeAddress(t), r, slog.New(slog.DiscardHandler))
	h.waits.Store(new(func() []string { return []string{"pods", "nodes"} }))
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- h.serve(ctx) }()
	get := func(path string) string {
		t.Helper()
		return answerOf(t, "http://"+h.address+path)
	}
	for path, want := range map[string]string{
		"/healthz": "200 ok\n",
		"/readyz":  "503 waiting for the first list of: pods, nodes\n",
	} {
		if got := get(path); got != want {
			t.Errorf("%s: %q, want %q", path, got, want)
		}
	}
	h.waits.Store(nil)
	if got := get("/readyz"); got != "200 ok\n" {
		t.Errorf("/readyz: %q, want ok", got)
	}
	if got := get("/metrics"); !strings.Contains(got, "furl_test_total 0") {
		t.Errorf("/metrics: %q, want furl_test_total", got)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func TestHealth_says_which_address_is_taken(t *testing.T) {
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	err = newHealth(l.Addr().String(), prometheus.NewRegistry(), slog.New(slog.DiscardHandler)).serve(t.Context())
	if err == nil || !strings.Contains(err.Error(), "--metrics-bind-address "+l.Addr().String()) {
		t.Errorf("error %v, want one that names the flag and the address", err)
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	var lc net.ListenConfig
	l, err := lc.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}

// answerOf asks until somebody listens.
func answerOf(t *testing.T, url string) string {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var last error
	for range 2000 {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			body, err := io.ReadAll(res.Body)
			if err = errors.Join(err, res.Body.Close()); err != nil {
				t.Fatal(err)
			}
			return fmt.Sprintf("%d %s", res.StatusCode, body)
		}
		last = err
		<-tick.C
	}
	t.Fatal(last)
	return ""
}

func TestListed_answers_from_what_the_watches_keep(t *testing.T) {
	pods := kube.NewPods(nil)
	for _, p := range []struct{ ns, name, app string }{{"a", "x", "web"}, {"a", "y", "db"}, {"b", "z", "web"}} {
		pods.Put(&corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: p.ns, Name: p.name, Labels: map[string]string{"app": p.app}}})
	}
	l := listedPods{pods}
	web := labels.SelectorFromSet(labels.Set{"app": "web"})
	if got := l.Pods("a", web); len(got) != 1 || got[0].Name != "x" {
		t.Errorf("pods of a: %v, want x", got)
	}
	if got := l.Pods("", web); len(got) != 2 {
		t.Errorf("pods of all namespaces: %v, want x and z", got)
	}
	want := metricsapi.Object{Namespace: "b", Name: "z", Labels: map[string]string{"app": "web"}}
	if got, ok := l.Pod("b", "z"); !ok || cmp.Diff(want, got) != "" {
		t.Errorf("pod b/z: %v %v, want %v", got, ok, want)
	}
	if _, ok := l.Pod("b", "x"); ok {
		t.Error("found a pod in another namespace")
	}
	nodes := newNodes()
	nodes.Put(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "n", Labels: map[string]string{"zone": "1"}}})
	if got := (listedNodes{nodes}).Nodes(labels.Everything()); len(got) != 1 || got[0].Labels["zone"] != "1" {
		t.Errorf("nodes: %v, want n of zone 1", got)
	}
	if _, ok := (listedNodes{nodes}).Node("m"); ok {
		t.Error("found a node that is not there")
	}
}

func TestAges_tell_of_nodes_without_samples(t *testing.T) {
	nodes := newNodes()
	nodes.Put(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "silent"}})
	nodes.Put(&corev1.Node{ObjectMeta: metav1.ObjectMeta{Name: "heard"}})
	store := resource.NewStore(10 * time.Second)
	begin := time.Unix(1_800_000_000, 0)
	for i := range 2 {
		at := begin.Add(time.Duration(i) * 10 * time.Second)
		body := fmt.Sprintf("# TYPE node_cpu_usage_seconds_total counter\nnode_cpu_usage_seconds_total %d %d\n"+
			"node_memory_working_set_bytes 1e6 %d\nscrape_error 0\n", 5+i, at.UnixMilli(), at.UnixMilli())
		if err := store.Take("heard", at, strings.NewReader(body)); err != nil {
			t.Fatal(err)
		}
	}
	now := begin.Add(13 * time.Second)
	want := `
# HELP furl_node_sample_age_max_seconds Age of the oldest sample of a node that is served.
# TYPE furl_node_sample_age_max_seconds gauge
furl_node_sample_age_max_seconds 3
# HELP furl_nodes_without_samples Nodes that have no sample to serve.
# TYPE furl_nodes_without_samples gauge
furl_nodes_without_samples 1
`
	a := newAges(nodes, store, func() time.Time { return now })
	if err := testutil.CollectAndCompare(a, strings.NewReader(want), "furl_node_sample_age_max_seconds", "furl_nodes_without_samples"); err != nil {
		t.Error(err)
	}
}

func TestConfig_says_where_triggers_may_find_credentials(t *testing.T) {
	for why, c := range map[string]struct {
		flags []string
		want  auth.Settings
	}{
		"Furl's own namespace":  {[]string{"--namespace=autoscaling"}, auth.Settings{Namespace: "autoscaling"}},
		"another, and no other": {[]string{"--cluster-object-namespace=vault", "--restrict-secret-access"}, auth.Settings{Namespace: "vault", RestrictSecrets: true}},
		"files below a folder":  {[]string{"--filepath-auth-root-path=/etc/furl"}, auth.Settings{Namespace: "furl-system", FileRoot: "/etc/furl"}},
	} {
		config := DefaultConfig()
		fs := pflag.NewFlagSet("operator", pflag.ContinueOnError)
		config.AddFlags(fs)
		if err := fs.Parse(c.flags); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, config.authSettings()); diff != "" {
			t.Errorf("%s (-want +got):\n%s", why, diff)
		}
	}
}

func TestSourceClient_waits_as_long_as_a_user_may_ask(t *testing.T) {
	c := sourceClient()
	transport, ok := c.Transport.(*http.Transport)
	if !ok {
		t.Fatalf("transport %T", c.Transport)
	}
	if c.Timeout < 5*time.Minute || transport.ResponseHeaderTimeout != 0 {
		t.Errorf("timeout %s, of the header %s: a trigger may ask for five minutes", c.Timeout, transport.ResponseHeaderTimeout)
	}
}
