package beside

import (
	"context"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// able finds out whether the API server takes a feature, by an HPA that uses
// it and is not stored. Where that cannot be asked, such as without the right
// to it, the release says what is usual.
func able(ctx context.Context, g Ground, f Feature, r Release) bool {
	stored, err := g.Try(ctx, trial(f))
	switch {
	case apierrors.IsInvalid(err):
		return false
	case err != nil || stored == nil:
		return r.Has(f)
	case f == Tolerance: // a field whose gate is off is dropped
		up := stored.Spec.Behavior
		return up != nil && up.ScaleUp != nil && up.ScaleUp.Tolerance != nil
	}
	return stored.Spec.MinReplicas != nil && *stored.Spec.MinReplicas == 0
}

// trial is an HPA that uses a feature, and is valid where there is that feature.
func trial(f Feature) *autoscalingv2.HorizontalPodAutoscaler {
	value := resource.MustParse("1")
	h := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "furl-trial"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "furl-trial"},
			MaxReplicas:    1,
			Metrics: []autoscalingv2.MetricSpec{{ // minReplicas 0 wants a metric that needs no pod
				Type: autoscalingv2.ExternalMetricSourceType,
				External: &autoscalingv2.ExternalMetricSource{
					Metric: autoscalingv2.MetricIdentifier{Name: "furl-trial"},
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: &value},
				},
			}},
		},
	}
	switch f {
	case Zero:
		h.Spec.MinReplicas = new(int32)
	case Tolerance:
		tolerance := resource.MustParse("50m")
		h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{Tolerance: &tolerance}}
	}
	return h
}
