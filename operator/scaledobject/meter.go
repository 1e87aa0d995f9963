package scaledobject

import (
	"runtime"
	"slices"
	"strconv"
	"sync"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/meter"
	"github.com/furl-dev/furl/policy"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

// Meter counts what triggers and objects do under KEDA's names, so that
// dashboards keep working. What it keeps of an object goes with the object.
type Meter struct {
	*meter.Meter
	value, latency, active *prometheus.GaugeVec
	details                *prometheus.CounterVec
	paused                 *prometheus.GaugeVec
	errs                   *prometheus.CounterVec
	byType, byKind         *prometheus.GaugeVec

	mu    sync.Mutex // guards known
	known map[types.NamespacedName]kept
}

// kept is what is kept of one object: the types of its triggers and what they measure.
type kept struct{ types, signals []string }

// NewMeter registers the metrics with r; version is that of the program.
func NewMeter(r prometheus.Registerer, version string) *Meter {
	const namespace = "keda"
	perMetric := []string{"namespace", "metric", "scaledObject", "scaler", "triggerIndex", "type"}
	perObject := []string{"namespace", "scaledObject"}
	gauge := func(name, help string, labels []string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	counter := func(name, help string, labels []string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
	}
	build := gauge("build_info", "The program that serves KEDA's objects.", []string{"version", "git_commit", "goversion", "goos", "goarch"})
	build.WithLabelValues(version, "", runtime.Version(), runtime.GOOS, runtime.GOARCH).Set(1)
	m := &Meter{
		Meter:   meter.New(r),
		value:   gauge("scaler_metrics_value", "The last value of a trigger's metric.", perMetric),
		latency: gauge("scaler_metrics_latency_seconds", "How long the last good read of a trigger took.", perMetric),
		active:  gauge("scaler_active", "1 while a trigger is active.", perMetric),
		details: counter("scaler_detail_errors_total", "Reads of a trigger that failed.", perMetric),
		paused:  gauge("scaled_object_paused", "1 while a ScaledObject is paused.", perObject),
		errs:    counter("scaled_object_errors_total", "Failures of a ScaledObject and its triggers.", perObject),
		byType:  gauge("trigger_registered_total", "Triggers by type.", []string{"type"}),
		byKind:  gauge("resource_registered_total", "Objects of keda.sh by type and namespace.", []string{"type", "namespace"}),
		known:   make(map[types.NamespacedName]kept),
	}
	r.MustRegister(build, m.value, m.latency, m.active, m.details, m.paused, m.errs, m.byType, m.byKind)
	return m
}

// registered counts an object that Furl now holds.
func (m *Meter) registered(o *v1alpha1.ScaledObject) {
	m.byKind.WithLabelValues("scaled_object", o.Namespace).Inc()
	m.errs.WithLabelValues(o.Namespace, o.Name)
	m.mu.Lock()
	defer m.mu.Unlock()
	m.known[keyOf(o)] = kept{}
}

// triggers counts those of an object in place of those it had before. What was
// counted of triggers that measure the same goes on.
func (m *Meter) triggers(o *v1alpha1.ScaledObject, sources []policy.Source) {
	var is kept
	for i := range o.Spec.Triggers {
		is.types = append(is.types, o.Spec.Triggers[i].Type)
	}
	for i := range sources {
		is.signals = append(is.signals, sources[i].Signal)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	was := m.known[keyOf(o)]
	if slices.Equal(was.types, is.types) && slices.Equal(was.signals, is.signals) {
		return
	}
	m.drop(keyOf(o))
	for _, t := range is.types {
		m.byType.WithLabelValues(t).Inc()
	}
	m.known[keyOf(o)] = is
}

// drop takes the triggers of an object out of the count. The lock is held.
func (m *Meter) drop(key types.NamespacedName) {
	for _, kind := range m.known[key].types {
		m.byType.WithLabelValues(kind).Dec()
	}
	of := prometheus.Labels{"namespace": key.Namespace, "scaledObject": key.Name}
	for _, v := range []*prometheus.GaugeVec{m.value, m.latency, m.active} {
		v.DeletePartialMatch(of)
	}
	m.details.DeletePartialMatch(of)
}

// forget drops all that is kept of an object that is gone.
func (m *Meter) forget(key types.NamespacedName) {
	m.Forget(shortKind, key)
	m.mu.Lock()
	defer m.mu.Unlock()
	if _, held := m.known[key]; !held {
		return
	}
	m.drop(key)
	delete(m.known, key)
	m.byKind.WithLabelValues("scaled_object", key.Namespace).Dec()
	m.paused.DeleteLabelValues(key.Namespace, key.Name)
	m.errs.DeleteLabelValues(key.Namespace, key.Name)
}

// measure shows what a turn has read. An attempt that failed counts once,
// however many turns see it.
func (a *Scaler) measure(r *loop.Record) {
	m := a.settings.Meter
	paused := 0.0
	if act := &r.Policy.Activation; r.Policy.Pause.On || act.BlockedIn || act.BlockedOut {
		paused = 1
	}
	m.paused.WithLabelValues(a.key.Namespace, a.key.Name).Set(paused)
	if r.Outcome == loop.Unseen {
		m.errs.WithLabelValues(a.key.Namespace, a.key.Name).Inc()
	}
	activity := make(map[string]bool, len(r.Decision.Activity))
	for _, s := range r.Decision.Activity {
		activity[s.Signal] = s.Activity == engine.Active
	}
	for i := range r.Seen.Readings {
		reading, src := &r.Seen.Readings[i], &a.compiled.Sources[i]
		h := &a.eye.triggers.all[src.Trigger]
		labels := []string{
			a.key.Namespace, reading.Signal, a.key.Name, h.spec.Type, strconv.Itoa(src.Trigger), shortKind,
		}
		if active, known := activity[reading.Signal]; known {
			m.active.WithLabelValues(labels...).Set(oneIf(active))
		}
		if h.lease == nil {
			continue // read with the pods
		}
		last := h.lease.Last()
		m.latency.WithLabelValues(labels...).Set(last.Latency.Seconds())
		if reading.Missing == "" {
			m.value.WithLabelValues(labels...).Set(reading.Value / 1000)
			m.details.WithLabelValues(labels...)
			continue
		}
		if reading.At.After(h.failed) {
			h.failed = reading.At
			m.details.WithLabelValues(labels...).Inc()
			m.errs.WithLabelValues(a.key.Namespace, a.key.Name).Inc()
		}
	}
}

func oneIf(yes bool) float64 { //nolint:revive // flag-parameter: it translates the flag itself
	if yes {
		return 1
	}
	return 0
}
