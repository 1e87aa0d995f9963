package hpa_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Rank implements hpa.Idle.
func (c *cluster) Rank(_ context.Context, s busy.Shrink) error {
	c.ranked = append(c.ranked, s)
	return c.unranked
}

func TestAutoscaler_ranks_the_pods_before_it_shrinks(t *testing.T) {
	p := perform(t, 4, func(h *autoscalingv2.HorizontalPodAutoscaler) {
		h.Annotations = map[string]string{api.AnnotationBusy: "http://:9090/metrics#in_flight"}
		h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{
			ScaleDown: &autoscalingv2.HPAScalingRules{StabilizationWindowSeconds: new(int32(0))},
		}
	})
	p.cpu, p.unranked = 25, errors.New("2 of 4 pods did not tell")
	p.sync(0)
	same(t, "sizes written", p.scaled, []int32{1})
	same(t, "where pods tell", p.ranked[0].Busy, policy.Busy{Port: 9090, Path: "/metrics", Metric: "in_flight"})
	same(t, "sizes", []int32{p.ranked[0].Scale.Replicas.Spec, p.ranked[0].To}, []int32{4, 1})
	same(t, "event", p.events[0], "Warning BusyPodsUnknown: 2 of 4 pods did not tell")
	p.sync(15 * time.Second)
	same(t, "times ranked", len(p.ranked), 1)
}
