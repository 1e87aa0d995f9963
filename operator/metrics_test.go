package operator

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/furl-dev/furl/api"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	dto "github.com/prometheus/client_model/go"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

var update = flag.Bool("update", false, "write docs/reference/metrics.md and metrics.json")

// catalogue is a registry that knows what was registered.
type catalogue struct {
	*prometheus.Registry
	all []prometheus.Collector
}

func (r *catalogue) Register(c prometheus.Collector) error {
	err := r.Registry.Register(c)
	if err == nil {
		r.all = append(r.all, c)
	}
	return err
}

func (r *catalogue) MustRegister(cs ...prometheus.Collector) {
	for _, c := range cs {
		if err := r.Register(c); err != nil {
			panic(err)
		}
	}
}

// family is one metric of the reference.
type family struct {
	Name   string   `json:"name"`
	Type   string   `json:"type"`
	Labels []string `json:"labels,omitempty"`
	Whose  string   `json:"whose"`
	Help   string   `json:"help"`
}

// assembled is the operator as it is put together for a cluster, with every part
// that has metrics, and a registry in which each of them shows.
func assembled(t *testing.T) *catalogue {
	t.Helper()
	cluster := httptest.NewServer(nil) // it knows nothing, and nothing is asked for the metrics' sake
	t.Cleanup(cluster.Close)
	var listen net.ListenConfig
	l, err := listen.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	c := DefaultConfig()
	c.Log = slog.New(slog.DiscardHandler)
	c.Serving.Serving.Listener = l
	c.Serving.Authentication.RemoteKubeConfigFileOptional = true
	c.Serving.Authorization.RemoteKubeConfigFileOptional = true
	r := &catalogue{Registry: prometheus.NewRegistry()}
	p, err := assemble(t.Context(), &c, &rest.Config{Host: cluster.URL}, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.events.Close)
	ended, end := context.WithCancel(t.Context())
	end()
	for _, run := range []func(context.Context) error{p.beside.Run, p.scraper.Run} { // these register as they begin
		if err := run(ended); err != nil {
			t.Fatal(err)
		}
	}
	p.gate.Put(&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Namespace: c.Namespace, Name: api.FreezeName}})
	return r
}

var described = regexp.MustCompile(`^Desc\{fqName: "(.*)", help: (".*"), constLabels: \{.*\}, variableLabels: \{(.*)\}\}$`)

// families are all metrics of the registry, those without a series yet too.
func families(t *testing.T, r *catalogue) []family {
	t.Helper()
	var all []family
	for _, c := range r.all {
		descs := make(chan *prometheus.Desc, 100)
		c.Describe(descs)
		close(descs)
		types := typesOf(t, c)
		for d := range descs {
			m := described.FindStringSubmatch(d.String())
			if m == nil {
				t.Fatalf("%s is of another form", d)
			}
			f := family{Name: m[1], Type: types[m[1]], Whose: whose(m[1])}
			if m[3] != "" {
				f.Labels = strings.Split(m[3], ",")
			}
			if _, err := fmt.Sscanf(m[2], "%q", &f.Help); err != nil {
				t.Fatal(err)
			}
			if f.Type == "" || f.Whose == "" || f.Help == "" {
				t.Errorf("%s: type %q, whose %q, help %q: one is missing", f.Name, f.Type, f.Whose, f.Help)
			}
			all = append(all, f)
		}
	}
	slices.SortFunc(all, func(a, b family) int { return cmp.Compare(a.Name, b.Name) })
	return all
}

// typesOf looks at one series of each metric of a collector.
func typesOf(t *testing.T, c prometheus.Collector) map[string]string {
	t.Helper()
	labels := func(of prometheus.Collector) []string {
		d := make(chan *prometheus.Desc, 1)
		of.Describe(d)
		m := described.FindStringSubmatch((<-d).String())
		return strings.Split(m[3], ",")
	}
	switch v := c.(type) { // a vector has no series before it is used
	case *prometheus.CounterVec:
		v.WithLabelValues(labels(c)...)
	case *prometheus.GaugeVec:
		v.WithLabelValues(labels(c)...)
	case *prometheus.HistogramVec:
		v.WithLabelValues(labels(c)...)
	}
	series := make(chan prometheus.Metric, 1000)
	c.Collect(series)
	close(series)
	types := map[string]string{}
	for s := range series {
		var m dto.Metric
		if err := s.Write(&m); err != nil {
			t.Fatal(err)
		}
		types[described.FindStringSubmatch(s.Desc().String())[1]] = typeOf(&m)
	}
	return types
}

func typeOf(m *dto.Metric) string {
	switch {
	case m.Counter != nil:
		return "counter"
	case m.Gauge != nil:
		return "gauge"
	case m.Histogram != nil:
		return "histogram"
	case m.Summary != nil:
		return "summary"
	}
	return ""
}

// whose tells who named a metric.
func whose(name string) string {
	for _, of := range []struct{ prefix, who string }{
		{"furl_", "Furl"},
		{"keda_", "KEDA"},
		{"horizontal_pod_autoscaler_controller_", "Kubernetes"},
		{"rest_client_", "Kubernetes"},
		{"go_", "Go client"},
		{"process_", "Go client"},
	} {
		if strings.HasPrefix(name, of.prefix) {
			return of.who
		}
	}
	return ""
}

// everywhere are those of Prometheus's Go client that every system has: the
// others would differ from machine to machine.
func everywhere(f family) bool {
	return f.Whose != "Go client" || slices.Contains([]string{
		"go_goroutines", "go_gc_duration_seconds", "go_info", "go_memstats_heap_alloc_bytes",
		"process_cpu_seconds_total", "process_resident_memory_bytes", "process_start_time_seconds", "process_open_fds", "process_max_fds",
	}, f.Name)
}

// asElsewhere are names that promlint would have otherwise, by what it says of
// them, with why they stay: dashboards and alerts know them.
var asElsewhere = []struct {
	text, why string
	names     []string
}{
	{"label names should be written in 'snake_case' not 'camelCase'", "KEDA's labels scaledObject and triggerIndex", []string{
		"keda_scaled_object_errors_total", "keda_scaled_object_paused", "keda_scaler_active", "keda_scaler_detail_errors_total",
		"keda_scaler_metrics_latency_seconds", "keda_scaler_metrics_value",
	}},
	{`non-counter metrics should not have "_total" suffix`, "KEDA counts what there is by them", []string{
		"keda_resource_registered_total", "keda_trigger_registered_total",
	}},
}

func TestMetrics_are_named_as_prometheus_names_them(t *testing.T) {
	r := assembled(t)
	families(t, r) // each has a series then
	problems, err := testutil.GatherAndLint(r)
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for _, p := range problems {
		found[p.Metric+": "+p.Text] = true
	}
	for _, e := range asElsewhere {
		for _, name := range e.names {
			if key := name + ": " + e.text; !found[key] {
				t.Errorf("%s needs no excuse (%s)", key, e.why)
			} else {
				delete(found, key)
			}
		}
	}
	for problem := range found {
		t.Error(problem)
	}
}

func TestMetrics_are_those_of_the_reference(t *testing.T) {
	all := slices.DeleteFunc(families(t, assembled(t)), func(f family) bool { return !everywhere(f) })
	list, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string][]byte{
		"../docs/reference/metrics.json": append(list, '\n'),
		"../docs/reference/metrics.md":   page(all),
	} {
		if *update {
			if err := os.WriteFile(path, want, 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := gocmp.Diff(string(got), string(want)); diff != "" {
			t.Errorf("%s is not what the registries hold; run make generate (-is +want):\n%s", path, diff)
		}
	}
}

// page is the reference for people.
func page(all []family) []byte {
	var b bytes.Buffer
	b.WriteString(`# Metrics

<!-- Made from the registries of the operator by operator: TestMetrics_are_those_of_the_reference (make generate). -->

Every pod of ` + "`furl operator`" + ` serves these at ` + "`:8080/metrics`" + `. What is about decisions, triggers and objects comes from the pod that leads, the rest from each. [Watching Furl](../guide/observability.md) has the dashboard and the alerts that are made of them; [metrics.json](metrics.json) is this list for programs.
`)
	for _, part := range []struct{ whose, words string }{
		{"Furl", "Furl's own."},
		{"KEDA", "KEDA's names, types and labels: dashboards and alerts that were made for KEDA keep working."},
		{"Kubernetes", "The names of kube-controller-manager's HPA controller and of Kubernetes' clients."},
		{"Go client", "What Prometheus's Go client tells of every program; more `go_` and `process_` metrics differ by system."},
	} {
		fmt.Fprintf(&b, "\n## %s\n\n%s\n\n| name | type | labels | |\n|---|---|---|---|\n", part.whose, part.words)
		for _, f := range all {
			if f.Whose == part.whose {
				fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", f.Name, f.Type, strings.Join(f.Labels, ", "), strings.ReplaceAll(f.Help, "<", "&lt;"))
			}
		}
	}
	return b.Bytes()
}
