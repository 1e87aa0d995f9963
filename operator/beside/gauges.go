package beside

import "github.com/prometheus/client_golang/prometheus"

// gauges show the findings to Prometheus.
type gauges struct {
	supported, lacks, others *prometheus.GaugeVec
}

func newGauges(r prometheus.Registerer) gauges {
	g := gauges{
		supported: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "furl_cluster_supported", Help: "Whether the version of the API server is one that this Furl supports.",
		}, []string{"version"}),
		lacks: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "furl_cluster_lacks", Help: "1 for each feature that users may want and this cluster does not have.",
		}, []string{"feature"}),
		others: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "furl_beside", Help: "1 for each API of Furl that another Service answers for.",
		}, []string{"api", "service"}),
	}
	r.MustRegister(g.supported, g.lacks, g.others)
	return g
}

// set replaces what was shown by what was found.
func (g gauges) set(f Findings) {
	g.supported.Reset()
	g.lacks.Reset()
	g.others.Reset()
	if f.Minor > 0 {
		supported := 0.0
		if f.Minor >= Oldest && f.Minor <= Newest {
			supported = 1
		}
		g.supported.WithLabelValues(f.Version).Set(supported)
	}
	for _, l := range f.Lacks {
		g.lacks.WithLabelValues(string(l)).Set(1)
	}
	for api, service := range f.Others {
		g.others.WithLabelValues(api, service).Set(1)
	}
}
