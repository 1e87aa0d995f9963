package operator

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// overdue tells for how long a decision has been due that was not made: next to
// nothing while all is well, growing where decisions stand still.
type overdue struct {
	late map[string]func() time.Duration // by kind of object
	desc *prometheus.Desc
}

func newOverdue(late map[string]func() time.Duration) *overdue {
	return &overdue{late: late, desc: prometheus.NewDesc("furl_decision_overdue_seconds",
		"For how long the decision that waits, or is under way, longest has been due, by kind of object.", []string{"kind"}, nil)}
}

// Describe implements prometheus.Collector.
func (o *overdue) Describe(to chan<- *prometheus.Desc) { to <- o.desc }

// Collect implements prometheus.Collector.
func (o *overdue) Collect(to chan<- prometheus.Metric) {
	for _, kind := range slices.Sorted(maps.Keys(o.late)) {
		to <- prometheus.MustNewConstMetric(o.desc, prometheus.GaugeValue, o.late[kind]().Seconds(), kind)
	}
}
