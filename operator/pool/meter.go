package pool

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter counts reads by the type of the trigger. No series belongs to one
// trigger: KEDA's own metrics, which the controllers keep, have those.
type meter struct {
	reads *prometheus.CounterVec
	took  *prometheus.HistogramVec
}

// How an attempt ends.
const (
	answered = "success"
	timedOut = "timeout"
	failed   = "error"
	ignored  = "stuck" // it goes on though it was cancelled
)

// newMeter registers the metrics with r, unless that is nil.
func newMeter(r prometheus.Registerer, p *Pool) *meter {
	m := &meter{
		reads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "furl_trigger_reads_total", Help: "Attempts to read a source by the trigger's type and result (success, timeout, error, stuck).",
		}, []string{"type", "result"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name: "furl_trigger_read_duration_seconds", Help: "Time of one attempt to read a source, opening it included where it was not open.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15), // to 16 s: an attempt may take 3, the first one 13
		}, []string{"type"}),
	}
	if r == nil {
		return m
	}
	r.MustRegister(m.reads, m.took,
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "furl_trigger_sources", Help: "Sources that are read; triggers that read the same thing share one.",
		}, func() float64 { return float64(p.Len()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "furl_trigger_reads_under_way", Help: "Reads of sources under way.",
		}, func() float64 { return float64(p.lanes.taken()) }),
	)
	return m
}

// tally counts the reads of one type.
type tally struct {
	results map[string]prometheus.Counter
	took    prometheus.Observer
}

// of is the tally of a type. Its series begin at zero: one that begins at its
// first failure hides that one from rate().
func (m *meter) of(kind string) tally {
	t := tally{results: make(map[string]prometheus.Counter), took: m.took.WithLabelValues(kind)}
	for _, result := range []string{answered, timedOut, failed, ignored} {
		t.results[result] = m.reads.WithLabelValues(kind, result)
	}
	return t
}

// count takes in an attempt.
func (t tally) count(a *outcome, took time.Duration) {
	result := answered
	switch {
	case a.err != nil && a.late:
		result = timedOut
	case a.err != nil:
		result = failed
	}
	t.results[result].Inc()
	t.took.Observe(took.Seconds())
}
