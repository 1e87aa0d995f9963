package usage

import (
	"bytes"
	"fmt"
	"io"
	"strconv"
	"time"
)

// Write renders the metrics of a node in the text format, by the kubelet's names, helps and label order. A failed
// reading is told by resource_scrape_error alone.
func Write(w io.Writer, n Node, failed bool) error { //nolint:revive // failed is one of the metrics
	var b bytes.Buffer
	if !failed {
		for _, f := range families() {
			f.write(&b, n)
		}
	}
	value := "0"
	if failed {
		value = "1"
	}
	for _, name := range []string{"resource_scrape_error", "scrape_error"} {
		level := "STABLE"
		if name == "scrape_error" {
			level = "ALPHA"
		}
		_, _ = fmt.Fprintf(&b, "# HELP %s [%s] 1 if there was an error while getting container metrics, 0 otherwise\n# TYPE %s gauge\n%s %s\n",
			name, level, name, name, value)
	}
	if _, err := w.Write(b.Bytes()); err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}

// family is one metric. Exactly one of the three functions is set; each gives a value and its instant,
// and no instant when it is printed without.
type family struct {
	name, kind, help string
	node             func(Node) (float64, time.Time)
	pod              func(Pod) (float64, time.Time)
	container        func(Container) (float64, time.Time)
}

// families are in the order of their names, as a registry prints them.
func families() []family {
	return []family{
		{
			name: "container_cpu_usage_seconds_total", kind: "counter", help: "[STABLE] Cumulative cpu time consumed by the container in core-seconds",
			container: func(c Container) (float64, time.Time) { return c.CPU.Seconds(), c.At },
		},
		{
			name: "container_memory_working_set_bytes", kind: "gauge", help: "[STABLE] Current working set of the container in bytes",
			container: func(c Container) (float64, time.Time) { return float64(c.MemoryBytes), c.At },
		},
		{
			name: "container_start_time_seconds", kind: "gauge", help: "[STABLE] Start time of the container since unix epoch in seconds",
			container: func(c Container) (float64, time.Time) {
				return float64(c.Started.UnixNano()) / float64(time.Second), time.Time{}
			},
		},
		{
			name: "container_swap_usage_bytes", kind: "gauge", help: "[ALPHA] Current amount of the container swap usage in bytes. Reported only on non-windows systems",
			container: func(c Container) (float64, time.Time) { return float64(c.SwapBytes), c.At },
		},
		{
			name: "node_cpu_usage_seconds_total", kind: "counter", help: "[STABLE] Cumulative cpu time consumed by the node in core-seconds",
			node: func(n Node) (float64, time.Time) { return n.CPU.Seconds(), n.At },
		},
		{
			name: "node_memory_working_set_bytes", kind: "gauge", help: "[STABLE] Current working set of the node in bytes",
			node: func(n Node) (float64, time.Time) { return float64(n.MemoryBytes), n.At },
		},
		{
			name: "node_swap_usage_bytes", kind: "gauge", help: "[ALPHA] Current swap usage of the node in bytes. Reported only on non-windows systems",
			node: func(n Node) (float64, time.Time) { return float64(n.SwapBytes), n.At },
		},
		{
			name: "pod_cpu_usage_seconds_total", kind: "counter", help: "[STABLE] Cumulative cpu time consumed by the pod in core-seconds",
			pod: func(p Pod) (float64, time.Time) { return p.CPU.Seconds(), p.At },
		},
		{
			name: "pod_memory_working_set_bytes", kind: "gauge", help: "[STABLE] Current working set of the pod in bytes",
			pod: func(p Pod) (float64, time.Time) { return float64(p.MemoryBytes), p.At },
		},
		{
			name: "pod_swap_usage_bytes", kind: "gauge", help: "[ALPHA] Current amount of the pod swap usage in bytes. Reported only on non-windows systems",
			pod: func(p Pod) (float64, time.Time) { return float64(p.SwapBytes), p.At },
		},
	}
}

func (f family) write(b *bytes.Buffer, n Node) {
	begun := false
	line := func(labels string, value float64, at time.Time) {
		if !begun {
			begun = true
			_, _ = fmt.Fprintf(b, "# HELP %s %s\n# TYPE %s %s\n", f.name, f.help, f.name, f.kind)
		}
		b.WriteString(f.name)
		b.WriteString(labels)
		b.WriteByte(' ')
		b.WriteString(strconv.FormatFloat(value, 'g', -1, 64))
		if !at.IsZero() {
			b.WriteByte(' ')
			b.WriteString(strconv.FormatInt(at.UnixMilli(), 10))
		}
		b.WriteByte('\n')
	}
	if f.node != nil {
		value, at := f.node(n)
		line("", value, at)
		return
	}
	for _, p := range n.Pods {
		if f.pod != nil {
			value, at := f.pod(p)
			line(fmt.Sprintf("{namespace=%q,pod=%q}", p.Namespace, p.Name), value, at)
			continue
		}
		for _, c := range p.Containers {
			value, at := f.container(c)
			line(fmt.Sprintf("{container=%q,namespace=%q,pod=%q}", c.Name, p.Namespace, p.Name), value, at)
		}
	}
}
