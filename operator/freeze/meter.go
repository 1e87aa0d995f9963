package freeze

import "github.com/prometheus/client_golang/prometheus"

// meter shows what a gate holds back.
type meter struct {
	gate   *Gate
	frozen *prometheus.Desc
}

// NewMeter returns a metric with one series for each order in force; it has no
// namespace where the whole cluster is frozen.
func NewMeter(g *Gate) prometheus.Collector {
	return &meter{gate: g, frozen: prometheus.NewDesc("furl_frozen", "1 while no size is written, by scope (cluster, namespace) and namespace.",
		[]string{"scope", "namespace"}, nil)}
}

// Describe implements prometheus.Collector.
func (m *meter) Describe(out chan<- *prometheus.Desc) { out <- m.frozen }

// Collect implements prometheus.Collector.
func (m *meter) Collect(out chan<- prometheus.Metric) {
	for _, f := range m.gate.InForce() {
		scope, namespace := "namespace", f.Namespace
		if f.Cluster {
			scope, namespace = "cluster", ""
		}
		out <- prometheus.MustNewConstMetric(m.frozen, prometheus.GaugeValue, 1, scope, namespace)
	}
}
