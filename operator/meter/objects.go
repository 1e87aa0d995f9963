package meter

import (
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/prometheus/client_golang/prometheus"
)

// objects are what is shown of each object: one series, and more only while
// something keeps it from what it should have.
type objects struct {
	replicas, missing, refused *prometheus.GaugeVec
}

func newObjects(r prometheus.Registerer) objects {
	gauge := func(name, help string) *prometheus.GaugeVec {
		return shared(r, prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, []string{"kind", "namespace", "name"}))
	}
	return objects{
		replicas: gauge("furl_replicas", "The size that was last decided for the workload of an object."),
		missing:  gauge("furl_signals_missing", "Signals of an object that had no value when it was last decided on; no series while all have one."),
		refused:  gauge("furl_replicas_above_maximum", "Replicas that are wanted beyond the maximum of an object; no series while none are."),
	}
}

// show takes in a decision on an object.
func (o objects) show(kind string, on Object, r *loop.Record) {
	if r.Outcome == loop.Unseen {
		return // no decision: what was shown holds
	}
	o.replicas.WithLabelValues(kind, on.Namespace, on.Name).Set(float64(r.Decision.To))
	while(o.missing, missing(r), kind, on)
	while(o.refused, refused(&r.Decision), kind, on)
}

// while shows a number for as long as it is more than nothing.
func while(v *prometheus.GaugeVec, n int, kind string, on Object) {
	if n == 0 {
		v.DeleteLabelValues(kind, on.Namespace, on.Name)
		return
	}
	v.WithLabelValues(kind, on.Namespace, on.Name).Set(float64(n))
}

func missing(r *loop.Record) (n int) {
	for i := range r.Seen.Readings {
		if r.Seen.Readings[i].Missing != "" {
			n++
		}
	}
	return n
}

// refused is by how much the maximum cut what was wanted.
func refused(d *engine.Decision) (n int) {
	for i := range d.Steps {
		if s := &d.Steps[i]; s.Case == engine.CaseTooMany {
			n = int(s.Before) - int(s.After)
		}
	}
	return n
}

// Forget drops the series of an object that is gone.
func (m *Meter) Forget(kind string, of Object) {
	for _, v := range []*prometheus.GaugeVec{m.objects.replicas, m.objects.missing, m.objects.refused} {
		v.DeleteLabelValues(kind, of.Namespace, of.Name)
	}
}
