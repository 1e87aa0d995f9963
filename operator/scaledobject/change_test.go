package scaledobject_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

func keyOf(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "default", Name: name}
}

func TestController_forgets_a_trigger_that_is_gone(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		o := object("web")
		o.Spec.Triggers = append(o.Spec.Triggers, v1alpha1.ScaleTriggers{Type: "queue", Metadata: map[string]string{"queue": "other"}})
		c.fail("other", errors.New("refused"))
		a := c.another(nil).lead()
		a.put(o)
		c.pass(30 * time.Second)
		c.expect("sources", c.pool.Len(), 2)
		c.expect("series", a.series("keda_scaler_detail_errors_total", "metric", "s1-other"), 1)
		o.Spec.Triggers, o.Generation = o.Spec.Triggers[:1], 2
		a.put(o)
		c.pass(10 * time.Second)
		c.expect("sources", c.pool.Len(), 1)
		c.expect("series of the one that is gone", a.series("keda_scaler_detail_errors_total", "metric", "s1-other"), 0)
		c.expect("series of the other", a.series("keda_scaler_active", "metric", "s0-web"), 1)
		c.expect("names", c.get("web").Status.ExternalMetricNames, []string{"s0-web"})
		c.expect("health", len(c.get("web").Status.Health), 0)
		o.Spec.MaxReplicaCount, o.Spec.MinReplicaCount, o.Generation = new(int32(1)), new(int32(5)), 3
		a.put(o)
		c.pass(10 * time.Second)
		c.expect("series of an object that makes no sense", a.series("keda_scaler_active", "metric", "s0-web"), 0)
		a.drop("web")
		c.expect("sources", c.pool.Len(), 0)
		c.expect("types counted", a.series("keda_scaled_object_paused", "scaledObject", "web"), 0)
	})
}

func TestController_turns_to_another_target(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"], c.sizes["api"] = 3, 1
		c.set("web", 20)
		o := object("web")
		c.put(o)
		c.pass(time.Minute)
		c.expect("size", c.sizes["web"], int32(4))
		c.expect("original size", c.get("web").Status.OriginalReplicaCount, new(int32(3)))
		o.Spec.ScaleTargetRef.Name, o.Generation = "api", 2
		c.put(o)
		c.pass(time.Minute)
		c.expect("size of the new target", c.sizes["api"], int32(4))
		c.expect("size of the old one", c.sizes["web"], int32(4))
		c.expect("original size", c.get("web").Status.OriginalReplicaCount, new(int32(1)))
		c.writes()
		c.set("web", 0)
		c.pass(time.Minute)
		c.expect("writes", c.writes(), []string{"api 0"})
	})
}

func TestController_follows_bounds_that_change_at_zero(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		o := object("web")
		c.put(o)
		c.pass(time.Minute)
		o.Spec.MinReplicaCount, o.Generation = new(int32(2)), 2
		c.put(o)
		c.pass(time.Second)
		c.expect("size with a minimum", c.sizes["web"], int32(2))
		o.Spec.MinReplicaCount, o.Generation = new(int32(0)), 3
		c.put(o)
		c.pass(20 * time.Second)
		c.expect("size without one", c.sizes["web"], int32(0))
		o.Spec.MaxReplicaCount, o.Generation = new(int32(3)), 4
		c.set("web", 50)
		c.put(o)
		c.pass(30 * time.Second)
		c.expect("size with work", c.sizes["web"], int32(3))
	})
}

func TestController_wakes_what_somebody_put_to_zero_while_there_is_work(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 4
		c.set("web", 20)
		c.put(object("web"))
		c.pass(30 * time.Second)
		c.sizes["web"] = 0
		c.controller.TargetChanged(kube.Target{Namespace: "default", Name: "web", APIVersion: "apps", Kind: "Deployment"})
		c.pass(20 * time.Second)
		c.expect("size", c.sizes["web"], int32(4))
	})
}

func TestController_sees_changes_that_nobody_counts(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		o := object("web")
		o.Generation = 0
		c.put(o)
		c.pass(10 * time.Second)
		o.Spec.MinReplicaCount = new(int32(3))
		c.put(o)
		c.pass(time.Second)
		c.expect("size", c.sizes["web"], int32(3))
	})
}

func TestController_looks_at_pods_only_while_a_trigger_needs_them(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		o := object("web")
		o.Spec.Triggers[0].MetricType = autoscalingv2.ValueMetricType
		a := c.another(nil).lead()
		owners := func() (n int) {
			a.pods.Put(podOf("web"))
			a.pods.Owners(keyOf("web-1"), func(types.NamespacedName) { n++ })
			return n
		}
		a.put(o)
		c.pass(10 * time.Second)
		c.expect("owners of a pod", owners(), 1)
		o.Spec.Triggers[0].MetricType, o.Generation = autoscalingv2.AverageValueMetricType, 2
		a.put(o)
		c.pass(10 * time.Second)
		c.expect("owners of a pod that nobody needs", owners(), 0)
	})
}

func TestController_asks_again_what_a_trigger_takes_from_its_workload(t *testing.T) {
	onStage(t, func(c *cluster) {
		known := false
		in := inputs(func(i int) (trigger.Input, error) {
			c.mu.Lock()
			defer c.mu.Unlock()
			if !known {
				return trigger.Input{}, errors.New("environment of the workload: not found")
			}
			return trigger.Input{Index: i, Metadata: map[string]string{"queue": "web"}}, nil
		})
		o := object("web")
		o.Spec.Triggers[0].Metadata = map[string]string{"queueFromEnv": "QUEUE"}
		c.set("web", 20)
		a := c.another(func(p *scaledobject.Ports) { p.Inputs = in }).lead()
		a.put(o)
		c.pass(5 * time.Second)
		c.expect("ready without a target", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.sizes["web"], known = 1, true
		a.TargetChanged(kube.Target{Namespace: "default", Name: "web", APIVersion: "apps", Kind: "Deployment"})
		c.pass(10 * time.Second)
		c.expect("ready with it", c.condition("web", v1alpha1.ConditionReady), "True/ScaledObjectReady")
		c.pass(time.Minute)
		c.expect("size", c.sizes["web"], int32(4))

		c.fail("web", errors.New("no such queue"))
		c.pass(20 * time.Second)
		known = false
		c.pass(40 * time.Second) // it was asked again
		c.expect("size while nobody knows", c.sizes["web"], int32(4))
		known = true
		c.fail("web", nil)
		c.set("web", 50)
		c.pass(time.Minute)
		c.expect("size after it was mended", c.sizes["web"], int32(10))
	})
}

// inputs are what a test says that triggers refer to.
type inputs func(i int) (trigger.Input, error)

// Input implements scaledobject.Inputs.
func (f inputs) Input(_ context.Context, _ *v1alpha1.ScaledObject, i int) (trigger.Input, error) {
	return f(i)
}

// Forget implements scaledobject.Inputs.
func (inputs) Forget(types.NamespacedName) {}

func podOf(workload string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: workload + "-1", Labels: map[string]string{"app": workload}}}
}

// rigid is a cluster whose workloads have no /scale.
type rigid struct{ *cluster }

func (rigid) Get(context.Context, kube.Target) (kube.Scale, error) {
	return kube.Scale{}, errors.Join(kube.ErrNotScalable, apierrors.NewNotFound(schema.GroupResource{Resource: "daemonsets"}, "web"))
}

func TestController_says_that_a_target_cannot_be_scaled(t *testing.T) {
	onStage(t, func(c *cluster) {
		a := c.another(func(p *scaledobject.Ports) { p.Scales = rigid{c} }).lead()
		a.put(object("web"))
		c.pass(30 * time.Second)
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		c.expect("events", c.told(), []string{"Warning | ScaledObjectCheckFailed | Target resource doesn't expose /scale subresource"})
	})
}

func TestController_tells_the_conditions_in_KEDAs_order_and_words(t *testing.T) {
	ready := v1alpha1.Condition{
		Type: v1alpha1.ConditionReady, Status: metav1.ConditionTrue, Reason: "ScaledObjectReady",
		Message: "ScaledObject is defined correctly and is ready for scaling",
	}
	active := v1alpha1.Condition{
		Type: v1alpha1.ConditionActive, Status: metav1.ConditionTrue, Reason: "ScalerActive",
		Message: "Scaling is performed because triggers are active",
	}
	idle := v1alpha1.Condition{
		Type: v1alpha1.ConditionActive, Status: metav1.ConditionFalse, Reason: "ScalerNotActive",
		Message: "Scaling is not performed because triggers are not active",
	}
	unknown := v1alpha1.Condition{Type: v1alpha1.ConditionFallback, Status: metav1.ConditionUnknown}
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 0
		o := object("web")
		c.put(o)
		c.pass(10 * time.Second)
		running := v1alpha1.Condition{Type: v1alpha1.ConditionPaused, Status: metav1.ConditionFalse}
		c.expect("without work", c.get("web").Status.Conditions, v1alpha1.Conditions{ready, idle, unknown, running})
		c.set("web", 5)
		c.pass(10 * time.Second)
		c.expect("with work", c.get("web").Status.Conditions, v1alpha1.Conditions{ready, active, unknown, running})
		o.Annotations = map[string]string{v1alpha1.AnnotationPaused: "true"}
		c.put(o)
		c.pass(10 * time.Second)
		got := c.get("web").Status.Conditions
		c.expect("paused", got[len(got)-1], v1alpha1.Condition{
			Type: v1alpha1.ConditionPaused, Status: metav1.ConditionTrue, Reason: "ScaledObjectPaused", Message: "ScaledObject is paused",
		})
	})
}

func TestController_does_not_race_whoever_else_writes_the_size(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		c.set("web", 50)
		tries := 0
		c.moving = func() { // another writer is always a little faster, for a while
			if tries++; tries <= 100 {
				c.mu.Lock()
				c.meanwhile = int32(1 + tries%2)
				c.mu.Unlock()
			}
		}
		c.put(object("web"))
		c.pass(10 * time.Second)
		c.expect("size in the end", c.sizes["web"] > 2, true)
		c.expect("warnings", slices.ContainsFunc(c.told(), func(e string) bool { return strings.HasPrefix(e, "Warning") }), false)
		if tries > 110 {
			t.Errorf("%d tries", tries)
		}
	})
}
