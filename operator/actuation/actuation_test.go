package actuation_test

import (
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/yaml"
)

// made is the HPA of an object whose triggers, but for faults, measure one
// metric of their type's name with a target of 5.
func made(t *testing.T, spec string, faults ...string) *autoscalingv2.HorizontalPodAutoscaler {
	t.Helper()
	o := &v1alpha1.ScaledObject{ObjectMeta: metav1.ObjectMeta{
		Namespace: "shop", Name: "web", UID: "1", Labels: map[string]string{"team": "a", "secret": "b"},
		Annotations: map[string]string{v1alpha1.AnnotationHPAExcludedLabels: "secret"},
	}}
	if err := yaml.UnmarshalStrict([]byte(spec), &o.Spec); err != nil {
		t.Fatal(err)
	}
	o.Spec.ScaleTargetRef = &v1alpha1.ScaleTarget{Name: "web"}
	triggers := make([]policy.Trigger, len(o.Spec.Triggers))
	for i := range triggers {
		triggers[i].Metrics = []trigger.Metric{{Name: o.Spec.Triggers[i].Type, Target: 5}}
		if i < len(faults) {
			triggers[i].Fault = faults[i]
		}
	}
	c, err := policy.CompileScaledObject(o, triggers, policy.UpstreamDefaults())
	if err != nil {
		t.Fatal(err)
	}
	h, err := actuation.Autoscaler(o, &c, schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}, "v1.2.0+dirty")
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestAutoscaler_is_as_KEDA_makes_it(t *testing.T) {
	h := made(t, `
minReplicaCount: 0
advanced: {horizontalPodAutoscalerConfig: {behavior: {scaleDown: {stabilizationWindowSeconds: 30}}}}
triggers:
- {type: memory, metricType: AverageValue, metadata: {value: "5"}}
- {type: prometheus, metricType: Value, metadata: {}}
- {type: cron, metadata: {}}
`)
	want := map[string]string{
		"app.kubernetes.io/managed-by": "keda-operator", "app.kubernetes.io/name": "keda-hpa-web", "app.kubernetes.io/part-of": "web",
		"app.kubernetes.io/version": "v1.2.0-dirty", "scaledobject.keda.sh/name": "web", "team": "a",
	}
	if diff := cmp.Diff(want, h.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	var spec autoscalingv2.HorizontalPodAutoscalerSpec
	if err := yaml.UnmarshalStrict([]byte(`
scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
minReplicas: 1
maxReplicas: 100
behavior: {scaleDown: {stabilizationWindowSeconds: 30}}
metrics:
- {type: External, external: {metric: {name: s1-prometheus, selector: {matchLabels: {scaledobject.keda.sh/name: web}}}, target: {type: Value, value: "5"}}}
- {type: External, external: {metric: {name: s2-cron, selector: {matchLabels: {scaledobject.keda.sh/name: web}}}, target: {type: AverageValue, averageValue: "5"}}}
- {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: "5"}}}
`), &spec); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(spec, h.Spec); diff != "" {
		t.Errorf("spec (-want +got):\n%s", diff)
	}
	if !actuation.NeedsExternal(h) || !metav1.IsControlledBy(h, &metav1.ObjectMeta{UID: "1"}) {
		t.Errorf("it is owned by %v", h.OwnerReferences)
	}
}

func TestAutoscaler_has_one_metric_for_a_formula(t *testing.T) {
	h := made(t, `
advanced: {scalingModifiers: {formula: a + b, target: "2.5", metricType: Value}}
triggers:
- {type: prometheus, name: a, metadata: {}}
- {type: cron, name: b, metadata: {}}
- {type: cpu, metricType: Utilization, metadata: {value: "5"}}
`)
	names := make([]string, 0, len(h.Spec.Metrics))
	for _, m := range h.Spec.Metrics {
		if m.External != nil {
			names = append(names, m.External.Metric.Name+" "+m.External.Target.Value.String())
			continue
		}
		names = append(names, string(m.Resource.Name))
	}
	if diff := cmp.Diff([]string{"cpu", "composite-metric 2500m"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestAutoscaler_keeps_a_faulty_trigger_from_shrinking(t *testing.T) {
	h := made(t, `
triggers:
- {type: kafka, metadata: {}}
- {type: cpu, metadata: {}}
- {type: cron, metadata: {}}
`, "lagThreshold is no number", "the metric type is missing")
	names := make([]string, 0, len(h.Spec.Metrics))
	for _, m := range h.Spec.Metrics {
		names = append(names, m.External.Metric.Name)
	}
	if diff := cmp.Diff([]string{"s0-kafka", "s1-cpu", "s2-cron"}, names); diff != "" {
		t.Error(diff)
	}
}

func TestDiffers_sees_what_is_to_be_written_and_no_more(t *testing.T) {
	const spec = "triggers: [{type: cron, metadata: {}}]"
	want := made(t, spec)
	for _, c := range []struct {
		why    string
		change func(h *autoscalingv2.HorizontalPodAutoscaler)
		writes bool
	}{
		{"nothing", func(*autoscalingv2.HorizontalPodAutoscaler) {}, false},
		{"somebody's label", func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Labels["theirs"] = "x" }, false},
		{"a status", func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Status.DesiredReplicas = 3 }, false},
		{"a maximum", func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Spec.MaxReplicas = 7 }, true},
		{"a label that is gone", func(h *autoscalingv2.HorizontalPodAutoscaler) { delete(h.Labels, "team") }, true},
		{"another owner", func(h *autoscalingv2.HorizontalPodAutoscaler) { h.OwnerReferences = nil }, true},
	} {
		is := made(t, spec)
		c.change(is)
		if actuation.Differs(is, want) != c.writes {
			t.Errorf("%s: differs is %v, want %v", c.why, !c.writes, c.writes)
		}
		if next := actuation.Become(is, want, nil); actuation.Differs(next, want) {
			t.Errorf("%s: it still differs once it was written", c.why)
		}
	}
}

func TestTold_is_what_the_latest_decision_goes_by(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	key := types.NamespacedName{Namespace: "shop", Name: "web"}
	told := actuation.Told{Book: record.NewBook(record.DefaultBudget), Clock: func() time.Time { return now }}
	if _, err := told.Value(key, "s0-queue"); err == nil {
		t.Error("an object that nobody decided about has a value")
	}
	p := engine.Policy{
		Max: 10, Activation: engine.Activation{On: true, Only: true}, Fallback: engine.Fallback{On: true, Threshold: 0, Replicas: 6},
		Signals: []engine.Signal{
			{Name: "s0-queue", Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: 5000}},
			{Name: "s1-topic", Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: 2000}},
		},
	}
	told.Book.Keep(record.Workload{Namespace: "shop", Kind: "scaledobject", Name: "web"}, loop.Record{
		At: now, Policy: p, Outcome: loop.Unchanged,
		Seen: engine.Observation{At: now, Replicas: engine.Replicas{Spec: 1, Status: 1}, Readings: []engine.Reading{
			{Signal: "s0-queue", Value: 12_500, At: now, ValidUntil: now.Add(time.Minute)},
			{Signal: "s1-topic", At: now, Missing: "timeout"},
		}},
	})
	for metric, want := range map[string]int64{"s0-queue": 12_500, "s0-Queue": 12_500, "s1-topic": 12_000} {
		if v, err := told.Value(key, metric); err != nil || v.Milli != want {
			t.Errorf("%s is %d, %v, want %d", metric, v.Milli, err, want)
		}
	}
	now = now.Add(2 * time.Minute)
	if v, err := told.Value(key, "s0-queue"); err == nil && v.Milli == 12_500 {
		t.Errorf("what is stale is told as %+v", v)
	}
	if _, err := told.Value(key, "s2-cron"); err == nil {
		t.Error("a metric that nobody measures has a value")
	}
}
