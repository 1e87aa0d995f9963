package scaledobject_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// ranks notes what is to shrink.
type ranks struct{ c *cluster }

func (r ranks) Rank(_ context.Context, s busy.Shrink) error {
	r.c.mu.Lock()
	defer r.c.mu.Unlock()
	if s.Scale.Replicas.Spec != r.c.sizes[s.Scale.Target.Name] {
		r.c.t.Error("the pods were ranked after the size was written")
	}
	r.c.ranked = append(r.c.ranked, s)
	return r.c.unranked
}

// atOnce lets a workload shrink without waiting.
func atOnce() *autoscalingv2.HorizontalPodAutoscalerBehavior {
	return &autoscalingv2.HorizontalPodAutoscalerBehavior{
		ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))},
	}
}

func TestController_ranks_the_pods_once_before_it_shrinks(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"], c.unranked = 10, errors.New("3 of 10 pods did not tell")
		c.set("web", 10)
		o := object("web")
		o.Annotations = map[string]string{api.AnnotationBusy: "condition/Busy"}
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{HorizontalPodAutoscalerConfig: &v1alpha1.HorizontalPodAutoscalerConfig{Behavior: atOnce()}}
		c.put(o)
		c.pass(time.Minute)
		c.expect("writes", c.writes(), []string{"web 2"})
		if len(c.ranked) != 1 {
			t.Fatalf("ranked %d times, want once: %v", len(c.ranked), c.ranked)
		}
		got := c.ranked[0]
		c.expect("where pods tell", got.Busy, policy.Busy{Condition: "Busy"})
		c.expect("sizes", []int32{got.Scale.Replicas.Spec, got.To}, []int32{10, 2})
		c.expect("event", slices.Contains(c.told(), "furl Warning | BusyPodsUnknown | 3 of 10 pods did not tell"), true)
	})
}

func TestController_in_observe_mode_ranks_nothing(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 10
		c.set("web", 10)
		o := object("web")
		o.Annotations = map[string]string{api.AnnotationBusy: "condition/Busy", api.AnnotationMode: api.ModeObserve}
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{HorizontalPodAutoscalerConfig: &v1alpha1.HorizontalPodAutoscalerConfig{Behavior: atOnce()}}
		c.put(o)
		c.pass(time.Minute)
		c.expect("ranked", len(c.ranked), 0)
	})
}

func TestController_refuses_to_ask_strangers_who_is_busy(t *testing.T) {
	onStage(t, func(c *cluster) {
		c.sizes["web"] = 1
		o := object("web")
		o.Annotations = map[string]string{api.AnnotationBusy: "http://example.com:80/#busy"}
		c.put(o)
		c.pass(time.Second)
		c.expect("ready", c.condition("web", v1alpha1.ConditionReady), "False/ScaledObjectCheckFailed")
		if m := c.get("web").Status.Conditions.Get(v1alpha1.ConditionReady).Message; !strings.Contains(m, "furl.dev/busy") || !strings.Contains(m, "must not name a host") {
			t.Errorf("message %q, want the annotation and why", m)
		}
	})
}
