package webhook

import (
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/webhook/admit"
	"github.com/prometheus/client_golang/prometheus"
	admissionv1 "k8s.io/api/admission/v1"
)

// Meter counts what was judged, under KEDA's names for ScaledObjects and under
// one of Furl's for every kind.
type Meter struct {
	validations, refusals, reviews *prometheus.CounterVec
}

// NewMeter registers the metrics.
func NewMeter(r prometheus.Registerer) *Meter {
	m := &Meter{
		validations: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keda_webhook_scaled_object_validations_total", Help: "Total number of scaled object validations",
		}, []string{"namespace", "action"}),
		refusals: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "keda_webhook_scaled_object_validation_errors_total", Help: "Total number of scaled object validating errors",
		}, []string{"namespace", "action", "reason"}),
		reviews: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "furl_webhook_reviews_total", Help: "Objects that the API server asked about, by kind, operation and outcome: allowed, refused or error.",
		}, []string{"kind", "operation", "outcome"}),
	}
	r.MustRegister(m.validations, m.refusals, m.reviews)
	return m
}

func (m *Meter) count(kind string, r *admissionv1.AdmissionRequest, a *admit.Answer, err error) {
	action := operation(r.Operation)
	m.reviews.WithLabelValues(kind, action, outcome(a, err)).Inc()
	if kind != v1alpha1.KindScaledObject && kind != v1alpha1.KindScaledJob {
		return
	}
	if kind == v1alpha1.KindScaledObject {
		m.validations.WithLabelValues(r.Namespace, action).Inc()
	}
	for _, f := range a.Refusals {
		m.refusals.WithLabelValues(r.Namespace, action, string(f.Reason)).Inc()
	}
}

// operation is a label's value out of a closed set, whatever a client sends.
func operation(o admissionv1.Operation) string {
	switch o {
	case admissionv1.Create, admissionv1.Update, admissionv1.Delete, admissionv1.Connect:
		return strings.ToLower(string(o))
	}
	return "other"
}

func outcome(a *admit.Answer, err error) string {
	switch {
	case err != nil:
		return "error"
	case len(a.Refusals) > 0:
		return "refused"
	}
	return "allowed"
}
