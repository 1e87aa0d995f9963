package operator

import (
	"time"

	"github.com/furl-dev/furl/resource"
	"github.com/prometheus/client_golang/prometheus"
)

// ages tells how old the samples of the nodes are, as a summary whose size
// does not grow with the cluster.
type ages struct {
	nodes resource.Nodes
	store *resource.Store
	clock func() time.Time

	oldest, mean, silent *prometheus.Desc
}

func newAges(n resource.Nodes, s *resource.Store, clock func() time.Time) *ages {
	return &ages{
		nodes: n, store: s, clock: clock,
		oldest: prometheus.NewDesc("furl_node_sample_age_max_seconds", "Age of the oldest sample of a node that is served.", nil, nil),
		mean:   prometheus.NewDesc("furl_node_sample_age_mean_seconds", "Mean age of the samples of nodes that are served.", nil, nil),
		silent: prometheus.NewDesc("furl_nodes_without_samples", "Nodes that have no sample to serve.", nil, nil),
	}
}

// Describe implements prometheus.Collector.
func (a *ages) Describe(to chan<- *prometheus.Desc) {
	to <- a.oldest
	to <- a.mean
	to <- a.silent
}

// Collect implements prometheus.Collector.
func (a *ages) Collect(to chan<- prometheus.Metric) {
	var oldest, sum time.Duration
	measured, silent := 0, 0
	now := a.clock()
	for _, n := range a.nodes.Nodes() {
		s, ok := a.store.Node(n.Name)
		if !ok {
			silent++
			continue
		}
		age := now.Sub(s.At)
		measured++
		sum += age
		oldest = max(oldest, age)
	}
	mean := sum.Seconds() / float64(max(measured, 1))
	to <- prometheus.MustNewConstMetric(a.oldest, prometheus.GaugeValue, oldest.Seconds())
	to <- prometheus.MustNewConstMetric(a.mean, prometheus.GaugeValue, mean)
	to <- prometheus.MustNewConstMetric(a.silent, prometheus.GaugeValue, float64(silent))
}
