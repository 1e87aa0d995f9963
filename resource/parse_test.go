package resource

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// known is what an answer says, for comparison: figures by a readable key.
type known map[string]figure

const asked = 1_800_000_000_000

func (a *answer) known() known {
	out := known{}
	put := func(key string, f figure) {
		if f.at != 0 && !math.IsNaN(f.value) {
			out[key] = f
		}
	}
	put("node cpu", a.cpu)
	put("node memory", a.memory)
	put("node swap", a.swap)
	for _, r := range a.rows {
		key := fmt.Sprintf("%q/%q/%q ", a.text(r.namespace), a.text(r.pod), a.text(r.container))
		put(key+"cpu", r.cpu)
		put(key+"memory", r.memory)
		put(key+"swap", r.swap)
		put(key+"start", r.started)
	}
	return out
}

// oracle reads the same with Prometheus' own parser.
func oracle(text []byte) (known, bool, error) {
	p := expfmt.NewTextParser(model.UTF8Validation)
	families, err := p.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		return nil, false, err
	}
	out, failed := known{}, false
	for name, f := range families {
		for _, m := range f.GetMetric() {
			v := value(f.GetType(), m)
			if v == nil {
				continue
			}
			if name == "resource_scrape_error" || name == "scrape_error" {
				failed = failed || *v != 0
				continue
			}
			key := oracleKey(name, m)
			if key == "" {
				continue
			}
			at := int64(asked)
			if m.TimestampMs != nil {
				at = m.GetTimestampMs()
			}
			delete(out, key)
			if at != 0 && !math.IsNaN(*v) {
				out[key] = figure{at: at, value: *v}
			}
		}
	}
	return out, failed, nil
}

func value(t dto.MetricType, m *dto.Metric) *float64 {
	switch t { //nolint:exhaustive // the rest has no single value
	case dto.MetricType_COUNTER:
		return m.GetCounter().Value
	case dto.MetricType_GAUGE:
		return m.GetGauge().Value
	case dto.MetricType_UNTYPED:
		return m.GetUntyped().Value
	}
	return nil
}

func oracleKey(name string, m *dto.Metric) string {
	switch name {
	case "node_cpu_usage_seconds_total":
		return "node cpu"
	case "node_memory_working_set_bytes":
		return "node memory"
	case "node_swap_usage_bytes":
		return "node swap"
	}
	what := map[string]string{
		"container_cpu_usage_seconds_total":  "cpu",
		"container_memory_working_set_bytes": "memory",
		"container_swap_usage_bytes":         "swap",
		"container_start_time_seconds":       "start",
	}[name]
	labels := map[string]string{}
	for _, l := range m.GetLabel() {
		labels[l.GetName()] = l.GetValue()
	}
	if what == "" || labels["namespace"] == "" || labels["pod"] == "" || labels["container"] == "" {
		return ""
	}
	return fmt.Sprintf("%q/%q/%q %s", labels["namespace"], labels["pod"], labels["container"], what)
}

// agree fails the test unless both parsers read the same from a text that
// Prometheus' accepts.
func agree(t *testing.T, text []byte) {
	t.Helper()
	want, failed, err := oracle(text)
	if err != nil {
		return
	}
	a := newAnswer()
	err = a.parse(bytes.NewReader(text), time.UnixMilli(asked))
	switch {
	case failed && errors.Is(err, errKubelet):
		return
	case failed || err != nil:
		t.Fatalf("parse: %v, while Prometheus reads it (scrape error %v)", err, failed)
	}
	if diff := cmp.Diff(want, a.known(), cmp.AllowUnexported(figure{})); diff != "" {
		t.Fatalf("differs from Prometheus' parser (-prometheus +ours):\n%s\n%s", diff, text)
	}
}

func TestParse_reads_what_a_kubelet_says(t *testing.T) {
	text, err := os.ReadFile("testdata/kubelet.txt")
	if err != nil {
		t.Fatal(err)
	}
	agree(t, text)
	a := newAnswer()
	if err := a.parse(bytes.NewReader(text), time.UnixMilli(asked)); err != nil {
		t.Fatal(err)
	}
	got := a.known()
	if len(got) < 15 {
		t.Errorf("%d figures, want all of the file's", len(got))
	}
	if f := got[`"kube-system"/"coredns-7d764666f9-x2x9v"/"coredns" cpu`]; f != (figure{1795433101012, 71.281543}) {
		t.Errorf("coredns cpu: %+v", f)
	}
}

func TestParse_refuses_what_is_no_answer(t *testing.T) {
	const cpu = `container_cpu_usage_seconds_total{container="c",namespace="n",pod="p"}`
	for why, text := range map[string]string{
		"no value":            cpu,
		"no number":           cpu + " many",
		"a hexadecimal":       cpu + " 0x1p4",
		"a broken timestamp":  cpu + " 1 yesterday",
		"more than one":       cpu + " 1 2 3",
		"unclosed labels":     `container_cpu_usage_seconds_total{container="c"`,
		"an unclosed value":   `container_cpu_usage_seconds_total{container="c} 1`,
		"an unknown escape":   `container_cpu_usage_seconds_total{container="\x"} 1`,
		"no separator":        `container_cpu_usage_seconds_total{container="c" pod="p"} 1`,
		"a label without =":   `container_cpu_usage_seconds_total{container} 1`,
		"an endless line":     strings.Repeat("x", maxLine+1),
		"an end in a line":    cpu + " 1 1800000000000\n" + cpu[:30],
		"the kubelet's error": "resource_scrape_error 1\n",
	} {
		if err := newAnswer().parse(strings.NewReader(text), time.UnixMilli(asked)); err == nil {
			t.Errorf("%s: read without an error: %s", why, text)
		}
	}
}

func TestParse_passes_on_a_broken_connection(t *testing.T) {
	broken := io.MultiReader(strings.NewReader("# HELP x\n"), iotest.ErrReader(io.ErrUnexpectedEOF))
	if err := newAnswer().parse(broken, time.UnixMilli(asked)); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("parse: %v, want the reader's error", err)
	}
}

func TestParse_agrees_with_prometheus_on_odd_forms(t *testing.T) {
	for _, text := range []string{
		"",
		"\n\n \t\n# nothing\n",
		"node_cpu_usage_seconds_total 12.5\n",
		"node_cpu_usage_seconds_total\t12.5\t77\n",
		"node_cpu_usage_seconds_total{} 12.5 77\n",
		"node_cpu_usage_seconds_total{ } 12.5\n",
		"  node_cpu_usage_seconds_total 1\n",
		"node_cpu_usage_seconds_total NaN\nnode_memory_working_set_bytes +Inf\n",
		"node_cpu_usage_seconds_total 1\nnode_cpu_usage_seconds_total 2\n",
		"container_cpu_usage_seconds_total{container=\"c\",namespace=\"n\",pod=\"p\",} 1\n",
		"container_cpu_usage_seconds_total { container = \"c\" , namespace=\"n\",pod=\"p\" } 1 5\n",
		"container_cpu_usage_seconds_total{container=\"a\\\"b\\\\c\\n\",namespace=\"n\",pod=\"p\"} 1\n",
		"container_cpu_usage_seconds_total{container=\"\",namespace=\"n\",pod=\"p\"} 1\n",
		"container_cpu_usage_seconds_total{x=\"y\",container=\"c\",namespace=\"n\",pod=\"p\"} 1e-3 0\n",
		"resource_scrape_error 0\n",
		"resource_scrape_error 1\n",
	} {
		agree(t, []byte(text))
	}
}

func FuzzParse_agrees_with_prometheus(f *testing.F) {
	if text, err := os.ReadFile("testdata/kubelet.txt"); err == nil {
		f.Add(text)
	}
	f.Add([]byte("container_cpu_usage_seconds_total{container=\"a\\\"b\",namespace=\"n\",pod=\"p\"} 1 2\n"))
	f.Add([]byte("node_memory_working_set_bytes{ a=\"b\" , } 0x1p4\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		// Names in quotes are a form that a kubelet does not speak.
		if bytes.Contains(text, []byte(`{"`)) || bytes.Contains(text, []byte(`,"`)) || bytes.ContainsAny(text, "\r\v\f\x00") {
			t.Skip()
		}
		// Prometheus' forgives a missing last newline in places; a kubelet's answer without it is cut off.
		agree(t, append(text, '\n'))
	})
}

// payload is what a node with 30 pods of one container says.
func payload(at time.Time, seconds float64) []byte {
	var b bytes.Buffer
	ms := at.UnixMilli()
	family := func(name, help, kind string, v func(i int) float64) {
		fmt.Fprintf(&b, "# HELP %s [STABLE] %s\n# TYPE %[1]s %s\n", name, help, kind)
		for i := range 30 {
			fmt.Fprintf(&b, "%s{container=\"app\",namespace=\"team-%d\",pod=\"service-%d-7d764666f9-x%04dv\"} %v %d\n", name, i%5, i, i, v(i), ms)
		}
	}
	family("container_cpu_usage_seconds_total", "Cumulative cpu time consumed by the container in core-seconds", "counter", func(i int) float64 { return seconds*0.1 + float64(i) + 0.123456 })
	family("container_memory_working_set_bytes", "Current working set of the container in bytes", "gauge", func(i int) float64 { return float64(64<<20 + i*4096) })
	family("container_start_time_seconds", "Start time of the container since unix epoch in seconds", "gauge", func(i int) float64 { return 1.7e9 + float64(i) })
	family("container_swap_usage_bytes", "Current amount of the container swap usage in bytes", "gauge", func(int) float64 { return 0 })
	family("pod_cpu_usage_seconds_total", "Cumulative cpu time consumed by the pod in core-seconds", "counter", func(i int) float64 { return seconds*0.1 + float64(i) })
	family("pod_memory_working_set_bytes", "Current working set of the pod in bytes", "gauge", func(i int) float64 { return float64(64<<20 + i*4096) })
	fmt.Fprintf(&b, "node_cpu_usage_seconds_total %v %d\nnode_memory_working_set_bytes 2e+09 %[2]d\nresource_scrape_error 0\n", seconds, ms)
	return b.Bytes()
}

// Reading one answer of a node with 30 pods, and keeping nothing.
func BenchmarkParse_30_pods(b *testing.B) {
	text := payload(time.UnixMilli(asked), 100)
	a, r := newAnswer(), bytes.NewReader(nil)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		r.Reset(text)
		if err := a.parse(r, time.UnixMilli(asked)); err != nil {
			b.Fatal(err)
		}
	}
}
