// Package meter counts what all kinds of objects that scale have in common:
// decisions, their speed, and writes of a status.
package meter

import (
	"time"

	"github.com/furl-dev/furl/loop"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

// Object names what was decided on.
type Object = types.NamespacedName

// Meter counts under Furl's own names.
type Meter struct {
	decisions *prometheus.CounterVec
	reaction  prometheus.Histogram
	writes    *prometheus.CounterVec
	objects   objects
}

// New registers the metrics with r, or finds those that are registered: the
// kinds of objects share them.
func New(r prometheus.Registerer) *Meter {
	return &Meter{
		decisions: shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "furl_decisions_total", Help: "Decisions by the last rule that changed the size (none: no rule did) and by outcome.",
		}, []string{"kind", "rule", "outcome"})),
		reaction: shared(r, prometheus.NewHistogram(prometheus.HistogramOpts{
			Name: "furl_wake_to_scale_seconds", Help: "From a new sample, pod or spec in memory to the Scale request being sent.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 15, 30}, // the aim is 0.1
		})),
		writes: shared(r, prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "furl_status_writes_total", Help: "Writes of an object's status by kind and result (written, failed).",
		}, []string{"kind", "result"})),
		objects: newObjects(r),
	}
}

// shared registers a collector and returns the one that was registered first.
func shared[C prometheus.Collector](r prometheus.Registerer, c C) C {
	if err := r.Register(c); err != nil {
		if already, ok := err.(prometheus.AlreadyRegisteredError); ok { //nolint:errorlint // it is returned as it is
			if first, ok := already.ExistingCollector.(C); ok {
				return first
			}
		}
		panic(err) // two metrics of one name: a broken promise of ours
	}
	return c
}

// Decided counts a decision by the rule that made the size what it is, and shows
// what it means for the object.
func (m *Meter) Decided(kind string, on Object, r *loop.Record) {
	rule := "none"
	for i := len(r.Decision.Steps) - 1; i >= 0; i-- {
		if s := &r.Decision.Steps[i]; s.Before != s.After {
			rule = s.Rule.String()
			break
		}
	}
	m.decisions.WithLabelValues(kind, rule, string(r.Outcome)).Inc()
	m.objects.show(kind, on, r)
}

// Reacted notes how long it took from the reason of a write to the write.
func (m *Meter) Reacted(took time.Duration) { m.reaction.Observe(took.Seconds()) }

// Wrote counts a write of a status; err is why it failed.
func (m *Meter) Wrote(kind string, err error) {
	result := "written"
	if err != nil {
		result = "failed"
	}
	m.writes.WithLabelValues(kind, result).Inc()
}
