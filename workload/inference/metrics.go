package inference

import (
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
)

// counts are what a worker tells of itself.
type counts struct {
	registry *prometheus.Registry
	holding  atomic.Int64 // messages held now

	received, answered, failed, returned, lost, buried, tokens prometheus.Counter

	ready prometheus.Gauge
	took  prometheus.Histogram
}

func newCounts(slots int) *counts {
	c := &counts{registry: prometheus.NewRegistry()}
	counter := func(name, help string) prometheus.Counter {
		m := prometheus.NewCounter(prometheus.CounterOpts{Namespace: "inference", Name: name, Help: help})
		c.registry.MustRegister(m)
		return m
	}
	c.received = counter("received_total", "Messages received.")
	c.answered = counter("answered_total", "Messages answered and deleted.")
	c.failed = counter("failed_total", "Messages that could not be answered and are left to come again.")
	c.returned = counter("returned_total", "Messages given back at once, because the worker was ending or the model was away.")
	c.lost = counter("lost_total", "Messages whose visibility ran out while they were worked on.")
	c.buried = counter("buried_total", "Messages moved to the dead letters.")
	c.tokens = counter("tokens_total", "Tokens that the model has generated.")
	c.ready = prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "inference", Name: "model_ready", Help: "1 when the model is loaded."})
	c.took = prometheus.NewHistogram(prometheus.HistogramOpts{
		Namespace: "inference", Name: "answer_duration_seconds", Help: "Time from reception to deletion of messages that were answered.",
		Buckets: []float64{0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 60, 120, 300},
	})
	places := prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "inference", Name: "slots", Help: "Messages that may be worked on at the same time."})
	places.Set(float64(slots))
	// What Furl reads to know which pods are busy.
	held := prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "inference", Name: "in_flight", Help: "Messages held now."},
		func() float64 { return float64(c.holding.Load()) })
	c.registry.MustRegister(c.ready, c.took, places, held)
	return c
}

func (c *counts) hold(n int64) { c.holding.Add(n) }
