package oracle

import (
	"context"
	"fmt"
	"maps"
	"math"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	"pgregory.net/rapid"
)

const (
	namespace = "default"
	// Instants lie on a grid, and periods between its lines: upstream reads its
	// own clock, and has half a cell's time to do so.
	grid              = 20 * time.Second
	cpuInitialization = 5*time.Minute + grid/2
	initialReadiness  = 30 * time.Second
)

// measured answers every question for metrics with what a case has drawn.
type measured struct {
	pods   metrics.PodMetricsInfo
	series []int64
}

func (m measured) GetResourceMetric(context.Context, corev1.ResourceName, string, labels.Selector, string) (metrics.PodMetricsInfo, time.Time, error) {
	return maps.Clone(m.pods), time.Time{}, nil
}

func (m measured) GetRawMetric(string, string, labels.Selector, labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	return maps.Clone(m.pods), time.Time{}, nil
}

func (m measured) GetObjectMetric(string, string, *autoscalingv2.CrossVersionObjectReference, labels.Selector) (int64, time.Time, error) {
	return m.series[0], time.Time{}, nil
}

func (m measured) GetExternalMetric(string, string, labels.Selector) ([]int64, time.Time, error) {
	return m.series, time.Time{}, nil
}

// world is one case: the same pods and measurements for both sides.
type world struct {
	at        time.Time
	upstream  []*corev1.Pod
	furl      []engine.Pod
	metrics   measured
	tolerance engine.Tolerance
	replicas  engine.Replicas
}

func draw(t *rapid.T) *world {
	w := &world{at: time.Now(), metrics: measured{pods: metrics.PodMetricsInfo{}}}
	w.tolerance = engine.Tolerance{
		Down: rapid.SampledFrom([]float64{0, 0.05, 0.1, 0.1, 0.5, 1}).Draw(t, "down"),
		Up:   rapid.SampledFrom([]float64{0, 0.05, 0.1, 0.1, 0.5, 1}).Draw(t, "up"),
	}
	w.replicas.Spec = rapid.Int32Range(0, 30).Draw(t, "spec")
	w.replicas.Status = rapid.Int32Range(0, 30).Draw(t, "status")
	for i := range rapid.IntRange(0, 12).Draw(t, "pods") {
		w.addPod(t, fmt.Sprintf("pod-%02d", i))
	}
	for i := range rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "strays") {
		name, value := fmt.Sprintf("stray-%d", i), rapid.Int64Range(0, 3000).Draw(t, "use")
		w.metrics.pods[name] = metrics.PodMetric{Timestamp: w.at, Window: time.Minute, Value: value}
		w.furl = append(w.furl, engine.Pod{Name: name, Stray: true, Measured: true, Value: value, At: w.at, Window: time.Minute})
	}
	for range rapid.IntRange(1, 3).Draw(t, "series") {
		w.metrics.series = append(w.metrics.series, rapid.OneOf(
			rapid.Int64Range(0, 50_000), rapid.Just(int64(0)), rapid.SampledFrom([]int64{math.MaxInt64, math.MaxInt64 / 2, 1 << 40}),
		).Draw(t, "value"))
	}
	return w
}

func (w *world) addPod(t *rapid.T, name string) {
	before := func(what string) time.Time {
		return w.at.Add(-time.Duration(rapid.IntRange(0, 35).Draw(t, what)) * grid)
	}
	request := rapid.SampledFrom([]int64{0, 100, 200, 1000, 333}).Draw(t, "request")
	p := engine.Pod{
		Name:       name,
		Phase:      engine.Phase(rapid.SampledFrom([]int{0, 0, 0, 0, 0, 0, 1, 2, 3}).Draw(t, "phase")),
		Deleting:   rapid.IntRange(0, 9).Draw(t, "deleting") == 0,
		Readiness:  engine.Readiness(rapid.SampledFrom([]int{1, 1, 1, 1, 1, 0, 2, 3}).Draw(t, "readiness")),
		ReadySince: before("ready since"),
		Started:    before("started"),
		Begun:      rapid.IntRange(0, 9).Draw(t, "begun") > 0,
		Request:    request,
	}
	up := pod(&p)
	if rapid.IntRange(0, 29).Draw(t, "no request") == 0 {
		up.Spec.Containers[0].Resources.Requests = nil
		p.NoRequest, p.Request = "missing request for cpu in container app of Pod "+name, 0
	}
	if rapid.IntRange(0, 5).Draw(t, "measured") > 0 {
		p.Measured, p.At, p.Window = true, before("sampled"), time.Duration(rapid.IntRange(1, 120).Draw(t, "window"))*time.Second
		p.Value = rapid.Int64Range(0, 3000).Draw(t, "use")
		w.metrics.pods[name] = metrics.PodMetric{Timestamp: p.At, Window: p.Window, Value: p.Value}
	}
	w.upstream, w.furl = append(w.upstream, up), append(w.furl, p)
}

// pod is the Kubernetes object of a pod as the engine sees it.
func pod(p *engine.Pod) *corev1.Pod {
	up := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: p.Name, Namespace: namespace, Labels: map[string]string{"app": "x"}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "app", Resources: corev1.ResourceRequirements{
			Requests: corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(p.Request, resource.DecimalSI)},
		}}}},
		Status: corev1.PodStatus{Phase: map[engine.Phase]corev1.PodPhase{
			engine.Running: corev1.PodRunning, engine.Pending: corev1.PodPending, engine.Failed: corev1.PodFailed, engine.Succeeded: corev1.PodSucceeded,
		}[p.Phase]},
	}
	if p.Deleting {
		up.DeletionTimestamp = &metav1.Time{Time: p.Started}
	}
	if p.Begun {
		up.Status.StartTime = &metav1.Time{Time: p.Started}
	}
	if p.Readiness != engine.NoReadiness {
		up.Status.Conditions = []corev1.PodCondition{{
			Type: corev1.PodReady, LastTransitionTime: metav1.Time{Time: p.ReadySince},
			Status: map[engine.Readiness]corev1.ConditionStatus{
				engine.Ready: corev1.ConditionTrue, engine.NotReady: corev1.ConditionFalse, engine.ReadinessUnknown: corev1.ConditionUnknown,
			}[p.Readiness],
		}}
	}
	return up
}

func (w *world) lister(t *rapid.T) corelisters.PodLister {
	store := cache.NewIndexer(cache.MetaNamespaceKeyFunc, cache.Indexers{cache.NamespaceIndex: cache.MetaNamespaceIndexFunc})
	for _, p := range w.upstream {
		if err := store.Add(p); err != nil {
			t.Fatal(err)
		}
	}
	return corelisters.NewPodLister(store)
}

// tolerances fills upstream's fields, which nobody outside may name: down, then up.
func tolerances(t engine.Tolerance) podautoscaler.Tolerances {
	both := [2]float64{t.Down, t.Up}
	return *(*podautoscaler.Tolerances)(unsafe.Pointer(&both))
}

// answer is what both sides are compared by.
type answer struct {
	replicas    int32
	average     int64
	utilization int32
	err         string
}

func (w *world) engine(s engine.Signal) answer {
	s.Name = "s"
	p := engine.Policy{
		Min: 0, Max: math.MaxInt32, Signals: []engine.Signal{s}, Tolerance: w.tolerance,
		Grace: engine.Grace{CPUInitialization: cpuInitialization, InitialReadiness: initialReadiness},
	}
	o := engine.Observation{At: w.at, Replicas: w.replicas, Readings: []engine.Reading{w.reading(s, p.Grace)}}
	// Asleep, so that zero replicas are measured as upstream's calculator measures them.
	d, _ := engine.Without(engine.RuleAsleep)(p, o, engine.History{Asleep: true})
	got := d.Proposals[0]
	if got.Missing != "" {
		return answer{err: got.Missing}
	}
	return answer{replicas: got.Replicas, average: got.Average, utilization: got.Utilization}
}

// reading is what an observer of this world hands to the engine.
func (w *world) reading(s engine.Signal, g engine.Grace) engine.Reading {
	r := engine.Reading{Signal: s.Name, Usage: engine.Group(w.furl, w.at, s, g), Listed: int32(len(w.upstream))}
	for i := range w.furl {
		if f := &w.furl[i]; !f.Stray && f.Phase == engine.Running && f.Readiness == engine.Ready {
			r.ReadyPods++
		}
	}
	r.Value = float64(w.total())
	if s.Kind == engine.Object {
		r.Value = float64(w.metrics.series[0])
	}
	return r
}

// total sums the series as an observer does, held at the largest number.
func (w *world) total() int64 {
	sum := int64(0)
	for _, v := range w.metrics.series {
		if sum += v; sum < 0 {
			return math.MaxInt64
		}
	}
	return sum
}

// compare fails unless both sides agree. Upstream wraps its errors; the engine
// has the innermost words, and may name another pod.
func (w *world) compare(t *rapid.T, up answer, err error, ours answer) {
	if err != nil {
		up = answer{err: err.Error()}
	}
	switch {
	case up.err != "" && ours.err != "":
		if strings.HasPrefix(ours.err, "missing request") && strings.Contains(up.err, "missing request") || strings.HasSuffix(up.err, ours.err) {
			return
		}
	case up == ours:
		return
	}
	t.Fatalf("upstream says %+v, Furl says %+v\nsize %+v, tolerance %+v\npods %+v\nseries %v", up, ours, w.replicas, w.tolerance, w.furl, w.metrics.series)
}

func TestCalculator(t *testing.T) {
	everything := labels.Everything()
	selector := &metav1.LabelSelector{}
	ref := &autoscalingv2.CrossVersionObjectReference{Kind: "Service", Name: "x"}
	for name, check := range map[string]func(*rapid.T, *world, *podautoscaler.ReplicaCalculator, podautoscaler.Tolerances){
		"GetResourceReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int32Range(1, 250).Draw(t, "target")
			n, util, raw, _, err := c.GetResourceReplicas(t.Context(), w.replicas.Spec, target, corev1.ResourceCPU, tol, namespace, everything, "")
			ours := w.engine(engine.Signal{CPU: true, Target: engine.Target{Kind: engine.Utilization, Value: int64(target)}})
			w.compare(t, answer{n, raw, util, ""}, err, ours)
		},
		"GetRawResourceReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int64Range(1, 3000).Draw(t, "target")
			name := rapid.SampledFrom([]corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}).Draw(t, "resource")
			n, raw, _, err := c.GetRawResourceReplicas(t.Context(), w.replicas.Spec, target, name, tol, namespace, everything, "")
			ours := w.engine(engine.Signal{CPU: name == corev1.ResourceCPU, Target: engine.Target{Kind: engine.AverageValue, Value: target}})
			w.compare(t, answer{n, raw, 0, ""}, err, ours)
		},
		"GetMetricReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int64Range(1, 3000).Draw(t, "target")
			n, raw, _, err := c.GetMetricReplicas(w.replicas.Spec, target, "qps", tol, namespace, everything, everything)
			ours := w.engine(engine.Signal{Target: engine.Target{Kind: engine.AverageValue, Value: target}})
			w.compare(t, answer{n, raw, 0, ""}, err, ours)
		},
		"GetObjectMetricReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int64Range(1, 30_000).Draw(t, "target")
			n, _, _, err := c.GetObjectMetricReplicas(w.replicas.Spec, target, "hits", tol, namespace, ref, everything, everything)
			ours := w.engine(engine.Signal{Kind: engine.Object, Target: engine.Target{Kind: engine.Value, Value: target}})
			w.compare(t, answer{replicas: w.saturated(n, w.metrics.series[0], target)}, err, ours)
		},
		"GetObjectPerPodMetricReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int64Range(1, 30_000).Draw(t, "target")
			n, raw, _, err := c.GetObjectPerPodMetricReplicas(w.replicas.Status, target, "hits", tol, namespace, ref, everything)
			ours := w.engine(engine.Signal{Kind: engine.Object, Target: engine.Target{Kind: engine.AverageValue, Value: target}})
			n = w.saturatedShare(n, w.metrics.series[0], target)
			w.compare(t, w.shared(answer{n, raw, 0, ""}, w.metrics.series[0]), err, ours)
		},
		"GetExternalMetricReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int64Range(1, 30_000).Draw(t, "target")
			n, usage, _, err := c.GetExternalMetricReplicas(w.replicas.Spec, target, "queue", tol, namespace, selector, everything)
			ours := w.engine(engine.Signal{Kind: engine.External, Target: engine.Target{Kind: engine.Value, Value: target}})
			w.compare(t, answer{replicas: w.saturated(n, usage, target)}, err, ours)
		},
		"GetExternalPerPodMetricReplicas": func(t *rapid.T, w *world, c *podautoscaler.ReplicaCalculator, tol podautoscaler.Tolerances) {
			target := rapid.Int64Range(1, 30_000).Draw(t, "target")
			n, raw, _, err := c.GetExternalPerPodMetricReplicas(w.replicas.Status, target, "queue", tol, namespace, selector)
			ours := w.engine(engine.Signal{Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: target}})
			w.compare(t, w.shared(answer{n, raw, 0, ""}, w.total()), err, ours)
		},
	} {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				w := draw(t)
				c := podautoscaler.NewReplicaCalculator(w.metrics, w.lister(t), cpuInitialization, initialReadiness)
				check(t, w, c, tolerances(w.tolerance))
			})
		})
	}
}

// The divergences of docs/compatibility.md that these numbers reach.

// saturated replaces upstream's overflow from zero by the largest size.
func (w *world) saturated(n int32, usage, target int64) int32 {
	if w.replicas.Spec == 0 && float64(usage)/float64(target) > math.MaxInt32 {
		return math.MaxInt32
	}
	return n
}

// saturatedShare does so for a share per pod.
func (w *world) saturatedShare(n int32, usage, target int64) int32 {
	if float64(usage)/float64(target) > math.MaxInt32 {
		return math.MaxInt32
	}
	return n
}

// shared replaces the average over no replicas by the whole, and one that overflows by the largest number.
func (w *world) shared(a answer, total int64) answer {
	switch f := float64(total); { // a reading is a float64
	case w.replicas.Status <= 1 && f >= math.MaxInt64:
		a.average = math.MaxInt64
	case w.replicas.Status == 0:
		a.average = int64(f)
	}
	return a
}
