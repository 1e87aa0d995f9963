package resource

import (
	"errors"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// meter measures scraping. No series belongs to one node: a large cluster has
// as many as a small one. Which node fails stands in the log and in
// [Store.Silence].
type meter struct {
	scrapes *prometheus.CounterVec
	took    prometheus.Histogram
	age     prometheus.Histogram
	held    prometheus.GaugeFunc
	refused prometheus.Counter
}

// How a scrape ends.
const (
	answered = "success"
	timedOut = "timeout"
	failed   = "error"
)

// newMeter registers the metrics with r, unless that is nil.
func newMeter(r prometheus.Registerer, s *Store) (*meter, error) {
	m := &meter{
		scrapes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "furl_scrapes_total", Help: "Scrapes of kubelets by result (success, timeout, error).",
		}, []string{"result"}),
		took: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "furl_scrape_duration_seconds", Help: "Time of one scrape of a kubelet, successful or not: connect, ask, read, keep.",
			Buckets: prometheus.ExponentialBuckets(0.001, 2, 15), // to 16 s: a request may take 10
		}),
		age: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "furl_scrape_sample_age_seconds", Help: "Age of a node's newest sample when it was scraped: how late its kubelet measures.",
			Buckets: []float64{.5, 1, 2, 3, 4, 6, 8, 10, 12, 15, 20, 30, 60}, // kubelets measure each 10 s
		}),
		held: prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "furl_scrape_pods", Help: "Pods whose samples are held.",
		}, func() float64 { return float64(s.Pods()) }),
		refused: prometheus.NewCounter(prometheus.CounterOpts{
			Name: "furl_scrape_refused_pods_total", Help: "Pods in answers of kubelets that were not kept because the store is full.",
		}),
	}
	for _, result := range []string{answered, timedOut, failed} {
		m.scrapes.WithLabelValues(result) // a series that begins at its first failure hides that one from rate()
	}
	if r == nil {
		return m, nil
	}
	for _, c := range []prometheus.Collector{m.scrapes, m.took, m.age, m.held, m.refused} {
		if err := r.Register(c); err != nil {
			return nil, fmt.Errorf("metrics of the scraper: %w", err)
		}
	}
	return m, nil
}

// scraped counts one scrape by how it ended.
func (m *meter) scraped(took time.Duration, err error) {
	m.took.Observe(took.Seconds())
	result := answered
	if late := (timeoutError{}); errors.As(err, &late) {
		result = timedOut
	} else if err != nil {
		result = failed
	}
	m.scrapes.WithLabelValues(result).Inc()
}

// kept counts what an answer held.
func (m *meter) kept(s Scraped) { m.refused.Add(float64(s.Refused)) }

// sampled notes how old a node's sample was. A node whose clock is ahead of
// ours has samples of now, as far as we can tell.
func (m *meter) sampled(age time.Duration) { m.age.Observe(max(age, 0).Seconds()) }
