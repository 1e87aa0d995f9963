package hpa

import (
	"time"

	"github.com/furl-dev/furl/operator/meter"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/types"
)

// action and failure are upstream's label values.
type (
	action  string
	failure string
)

const (
	scaleUp   action = "scale_up"
	scaleDown action = "scale_down"
	noAction  action = "none"

	specFailure     failure = "spec"
	internalFailure failure = "internal"
	noFailure       failure = "none"
)

// Meter counts what syncs do: under upstream's names, so that dashboards keep
// working, and under Furl's own for what upstream cannot tell.
type Meter struct {
	reconciliations *prometheus.CounterVec
	reconciling     *prometheus.HistogramVec
	computations    *prometheus.CounterVec
	computing       *prometheus.HistogramVec
	autoscalers     prometheus.Gauge
	desired         *prometheus.GaugeVec
	skipped         *prometheus.CounterVec

	*meter.Meter
	standingDown prometheus.Gauge
}

// NewMeter registers the metrics with r.
func NewMeter(r prometheus.Registerer) *Meter {
	const subsystem = "horizontal_pod_autoscaler_controller"
	buckets := prometheus.ExponentialBuckets(0.001, 2, 15)
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, labels ...string) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}, labels)
	}
	m := &Meter{
		reconciliations: counter("reconciliations_total", "Reconciliations by action (scale_up, scale_down, none) and error (spec, internal, none).", "action", "error"),
		reconciling:     histogram("reconciliation_duration_seconds", "Time of one reconciliation.", "action", "error"),
		computations:    counter("metric_computation_total", "Computations of one metric by action, error and the metric's type.", "action", "error", "metric_type"),
		computing:       histogram("metric_computation_duration_seconds", "Time of the computation of one metric; the metrics of one reconciliation share it.", "action", "error", "metric_type"),
		autoscalers:     prometheus.NewGauge(prometheus.GaugeOpts{Subsystem: subsystem, Name: "num_horizontal_pod_autoscalers", Help: "HPA objects under control."}),
		desired:         prometheus.NewGaugeVec(prometheus.GaugeOpts{Subsystem: subsystem, Name: "desired_replicas", Help: "Desired replicas of an HPA."}, []string{"namespace", "hpa_name"}),
		skipped:         counter("stale_sync_skips_total", "Syncs skipped because of a stale watch; Furl needs none, so this stays zero.", "group", "resource"),
		Meter:           meter.New(r),
		standingDown: prometheus.NewGauge(prometheus.GaugeOpts{
			Name: "furl_hpa_standing_down", Help: "1 while Furl leaves all HPAs alone because kube-controller-manager wrote the status of one that Furl held.",
		}),
	}
	r.MustRegister(m.reconciliations, m.reconciling, m.computations, m.computing, m.autoscalers, m.desired, m.skipped, m.standingDown)
	return m
}

func (m *Meter) reconciled(a action, f failure, took time.Duration) {
	m.reconciliations.WithLabelValues(string(a), string(f)).Inc()
	m.reconciling.WithLabelValues(string(a), string(f)).Observe(took.Seconds())
}

func (m *Meter) computed(a action, f failure, took time.Duration, kind autoscalingv2.MetricSourceType) {
	m.computations.WithLabelValues(string(a), string(f), string(kind)).Inc()
	m.computing.WithLabelValues(string(a), string(f), string(kind)).Observe(took.Seconds())
}

func (m *Meter) wants(key types.NamespacedName, replicas int32) {
	m.desired.WithLabelValues(key.Namespace, key.Name).Set(float64(replicas))
}

// forget drops the series of an HPA that is gone; upstream keeps its own for ever.
func (m *Meter) forget(key types.NamespacedName) {
	m.desired.DeleteLabelValues(key.Namespace, key.Name)
	m.Forget(shortKind, key)
}
