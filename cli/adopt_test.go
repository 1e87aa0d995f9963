package cli_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/furl-dev/furl/cli/eval"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"pgregory.net/rapid"
)

// An HPA and the ScaledObject that takes its place decide the same, from the
// same observations, over a while.
func TestAdopt_keeps_every_decision(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := adoptable().Draw(t, "hpa")
		so, errs := policy.Adopt(h)
		if len(errs) > 0 {
			t.Fatal(errs.ToAggregate())
		}
		was, err := policy.Compile(h, policy.UpstreamDefaults())
		if err != nil {
			t.Fatal(err)
		}
		is, err := policy.CompileScaledObject(so, eval.Triggers(so), policy.UpstreamDefaults())
		if err != nil {
			t.Fatal(err)
		}
		if err := policy.SameMeaning(was, is); err != nil {
			t.Fatal(err)
		}
		size, at := rapid.Int32Range(1, 30).Draw(t, "size"), now()
		var before, after engine.History
		for range rapid.IntRange(1, 8).Draw(t, "ticks") {
			at = at.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "later")) * time.Second)
			seen := sight(t, was.Policy, size, at)
			var a, b engine.Decision
			a, before = engine.Decide(was.Policy, seen, before)
			b, after = engine.Decide(is.Policy, seen, after)
			if a.To != b.To {
				t.Fatalf("the HPA goes from %d to %d by %+v,\nthe ScaledObject to %d by %+v", size, a.To, a.Steps, b.To, b.Steps)
			}
			before, after = engine.Applied(was.Policy, a, before), engine.Applied(is.Policy, b, after)
			size = a.To
		}
	})
}

// The way back gives the HPA as it was.
func TestAdopt_and_undo_give_the_same_HPA(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := adoptable().Draw(t, "hpa")
		h.UID, h.ResourceVersion, h.Status.CurrentReplicas = "u", "7", 3
		so, errs := policy.Adopt(h)
		if len(errs) > 0 {
			t.Fatal(errs.ToAggregate())
		}
		if err := policy.Keep(so, h); err != nil {
			t.Fatal(err)
		}
		back, err := policy.Adopted(so)
		if err != nil {
			t.Fatal(err)
		}
		if want := policy.Bare(h); !apiequality.Semantic.DeepEqual(want, back) {
			t.Fatalf("(-want +got):\n%s", cmp.Diff(want, back))
		}
	})
}

// adoptable makes HPAs of which each can be adopted.
func adoptable() *rapid.Generator[*autoscalingv2.HorizontalPodAutoscaler] {
	return rapid.Custom(func(t *rapid.T) *autoscalingv2.HorizontalPodAutoscaler {
		least := rapid.Int32Range(1, 20).Draw(t, "min")
		h := &autoscalingv2.HorizontalPodAutoscaler{
			ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web", Labels: map[string]string{"a": "b"}, Annotations: map[string]string{"note": `"quoted"`}},
			Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
				ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "web"},
				MinReplicas:    &least, MaxReplicas: least + rapid.Int32Range(0, 30).Draw(t, "more"),
				Metrics: rapid.SliceOfN(usage(), 0, 3).Draw(t, "metrics"),
			},
		}
		if rapid.Bool().Draw(t, "behaves") {
			h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: pace(t, "up"), ScaleDown: pace(t, "down")}
		}
		return h
	})
}

// usage makes metrics of cpu and memory in all their forms.
func usage() *rapid.Generator[autoscalingv2.MetricSpec] {
	return rapid.Custom(func(t *rapid.T) autoscalingv2.MetricSpec {
		name := rapid.SampledFrom([]corev1.ResourceName{corev1.ResourceCPU, corev1.ResourceMemory}).Draw(t, "resource")
		target := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(rapid.Int32Range(1, 300).Draw(t, "percent"))}
		if rapid.Bool().Draw(t, "average") {
			q := resource.MustParse(rapid.SampledFrom([]string{"1m", "250m", "1500u", "1", "2.5", "300Mi", "1.5Gi", "123456789", "1e3"}).Draw(t, "quantity"))
			target = autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: &q}
		}
		if rapid.Bool().Draw(t, "one container") {
			return autoscalingv2.MetricSpec{
				Type:              autoscalingv2.ContainerResourceMetricSourceType,
				ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: name, Container: "app", Target: target},
			}
		}
		return autoscalingv2.MetricSpec{
			Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: name, Target: target},
		}
	})
}

// pace makes rules for one direction, each field given or not.
func pace(t *rapid.T, way string) *autoscalingv2.HPAScalingRules {
	given := func(what string) bool { return rapid.Bool().Draw(t, way+" "+what) }
	if !given("at all") {
		return nil
	}
	r := &autoscalingv2.HPAScalingRules{}
	if given("window") {
		r.StabilizationWindowSeconds = new(rapid.Int32Range(0, 600).Draw(t, "window"))
	}
	if given("select") {
		all := []autoscalingv2.ScalingPolicySelect{autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect}
		r.SelectPolicy = new(rapid.SampledFrom(all).Draw(t, "select"))
	}
	if given("tolerance") {
		q := resource.MustParse(rapid.SampledFrom([]string{"0", "0.05", "0.5"}).Draw(t, "tolerance"))
		r.Tolerance = &q
	}
	for i := range rapid.IntRange(0, 2).Draw(t, "policies") {
		r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy{
			Type:          []autoscalingv2.HPAScalingPolicyType{autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy}[i],
			Value:         rapid.Int32Range(1, 200).Draw(t, "value"),
			PeriodSeconds: rapid.Int32Range(1, 600).Draw(t, "period"),
		})
	}
	return r
}

// sight makes what is seen of a workload: pods that use more or less, are
// ready or not, and some that nobody could measure.
func sight(t *rapid.T, p engine.Policy, size int32, at time.Time) engine.Observation {
	pods := make([]engine.Pod, size)
	for i := range pods {
		pods[i] = engine.Pod{
			Name: fmt.Sprintf("web-%d", i), Begun: true, Started: at.Add(-time.Duration(rapid.IntRange(0, 900).Draw(t, "age")) * time.Second),
			Readiness: rapid.SampledFrom([]engine.Readiness{engine.Ready, engine.Ready, engine.NotReady}).Draw(t, "ready"),
			Request:   100, Measured: rapid.IntRange(0, 9).Draw(t, "measured") > 0,
			Value: rapid.Int64Range(0, 400).Draw(t, "value"), At: at, Window: 10 * time.Second,
		}
	}
	o := engine.Observation{At: at, Replicas: engine.Replicas{Spec: size, Status: size}}
	for i := range p.Signals {
		s := &p.Signals[i]
		r := engine.Reading{Signal: s.Name, At: at, Usage: engine.Group(pods, at, *s, p.Grace), ReadyPods: size, Listed: size}
		if rapid.IntRange(0, 9).Draw(t, "missing") == 0 {
			r = engine.Reading{Signal: s.Name, At: at, Missing: "no answer"}
		}
		o.Readings = append(o.Readings, r)
	}
	return o
}
