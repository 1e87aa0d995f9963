package usage

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestCounter_never_falls_and_never_counts_twice(t *testing.T) {
	var c Counter
	at := func(sums ...time.Duration) func() time.Duration {
		return func() time.Duration {
			s := sums[0]
			if len(sums) > 1 {
				sums = sums[1:]
			}
			return s
		}
	}
	for _, tc := range []struct {
		why  string
		sums []time.Duration
		want time.Duration
	}{
		{"first", []time.Duration{10}, 10},
		{"more", []time.Duration{15}, 15},
		{"a child was missed while it was collected", []time.Duration{9, 16}, 16},
		{"a child was never collected: its time stays counted", []time.Duration{6, 6}, 16},
		{"and the rest goes on", []time.Duration{8}, 18},
	} {
		if got := c.Observe(at(tc.sums...)); got != tc.want {
			t.Errorf("%s: %v, want %v", tc.why, got, tc.want)
		}
	}
}

func TestCounter_is_monotonic(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		var c Counter
		var last time.Duration
		for _, sum := range rapid.SliceOf(rapid.Int64Range(0, 1e12)).Draw(r, "sums") {
			got := c.Observe(func() time.Duration { return time.Duration(sum) })
			if got < last {
				r.Fatalf("%v after %v", got, last)
			}
			last = got
		}
	})
}

func TestWrite_is_what_a_kubelet_prints(t *testing.T) {
	at := time.UnixMilli(1700000000123)
	started := time.Unix(1699999940, 0)
	n := Node{At: at, CPU: 1500 * time.Millisecond, MemoryBytes: 3 << 20, SwapBytes: 1, Pods: []Pod{{
		Namespace: "ns", Name: "p", At: at, CPU: time.Second, MemoryBytes: 2 << 20, SwapBytes: 2,
		Containers: []Container{{Name: "c", Started: started, At: at, CPU: 250 * time.Millisecond, MemoryBytes: 1 << 20, SwapBytes: 3}},
	}}}
	var b bytes.Buffer
	if err := Write(&b, n, false); err != nil {
		t.Fatal(err)
	}
	want := `# HELP container_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the container in core-seconds
# TYPE container_cpu_usage_seconds_total counter
container_cpu_usage_seconds_total{container="c",namespace="ns",pod="p"} 0.25 1700000000123
# HELP container_memory_working_set_bytes [STABLE] Current working set of the container in bytes
# TYPE container_memory_working_set_bytes gauge
container_memory_working_set_bytes{container="c",namespace="ns",pod="p"} 1.048576e+06 1700000000123
# HELP container_start_time_seconds [STABLE] Start time of the container since unix epoch in seconds
# TYPE container_start_time_seconds gauge
container_start_time_seconds{container="c",namespace="ns",pod="p"} 1.69999994e+09
# HELP container_swap_usage_bytes [ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems
# TYPE container_swap_usage_bytes gauge
container_swap_usage_bytes{container="c",namespace="ns",pod="p"} 3 1700000000123
# HELP node_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the node in core-seconds
# TYPE node_cpu_usage_seconds_total counter
node_cpu_usage_seconds_total 1.5 1700000000123
# HELP node_memory_working_set_bytes [STABLE] Current working set of the node in bytes
# TYPE node_memory_working_set_bytes gauge
node_memory_working_set_bytes 3.145728e+06 1700000000123
# HELP node_swap_usage_bytes [ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems
# TYPE node_swap_usage_bytes gauge
node_swap_usage_bytes 1 1700000000123
# HELP pod_cpu_usage_seconds_total [STABLE] Cumulative cpu time consumed by the pod in core-seconds
# TYPE pod_cpu_usage_seconds_total counter
pod_cpu_usage_seconds_total{namespace="ns",pod="p"} 1 1700000000123
# HELP pod_memory_working_set_bytes [STABLE] Current working set of the pod in bytes
# TYPE pod_memory_working_set_bytes gauge
pod_memory_working_set_bytes{namespace="ns",pod="p"} 2.097152e+06 1700000000123
# HELP pod_swap_usage_bytes [ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems
# TYPE pod_swap_usage_bytes gauge
pod_swap_usage_bytes{namespace="ns",pod="p"} 2 1700000000123
# HELP resource_scrape_error [STABLE] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE resource_scrape_error gauge
resource_scrape_error 0
# HELP scrape_error [ALPHA] 1 if there was an error while getting container metrics, 0 otherwise
# TYPE scrape_error gauge
scrape_error 0
`
	if d := cmp.Diff(want, b.String()); d != "" {
		t.Error(d)
	}
}

func TestWrite_tells_a_failed_reading_and_nothing_else(t *testing.T) {
	var b bytes.Buffer
	if err := Write(&b, Node{CPU: time.Second}, true); err != nil {
		t.Fatal(err)
	}
	if text := b.String(); !strings.Contains(text, "resource_scrape_error 1\n") || strings.Contains(text, "node_cpu") {
		t.Error(text)
	}
}

func BenchmarkWrite_200_pods(b *testing.B) {
	n := Node{At: time.Now()}
	for range 200 {
		n.Pods = append(n.Pods, Pod{Namespace: "ns", Name: "p", At: n.At, Containers: []Container{{Name: "c", At: n.At, Started: n.At}}})
	}
	b.ReportAllocs()
	for b.Loop() {
		if err := Write(new(bytes.Buffer), n, false); err != nil {
			b.Fatal(err)
		}
	}
}
