package actuation

import (
	"cmp"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// KEDA's words for the condition HPAActive.
const (
	sayScaling    = "HPA is actively scaling"
	sayNotScaling = "HPA is not actively scaling: "
)

// Health is the condition HPAActive, as the HPA's own ScalingActive has it. One
// whose HPA has said nothing yet, or cannot be seen (nil), stays as it was: ok is false.
func Health(h *autoscalingv2.HorizontalPodAutoscaler) (c v1alpha1.Condition, ok bool) {
	if h == nil {
		return v1alpha1.Condition{}, false
	}
	for i := range h.Status.Conditions {
		if s := &h.Status.Conditions[i]; s.Type == autoscalingv2.ScalingActive {
			return healthBy(s), true
		}
	}
	return v1alpha1.Condition{}, false
}

func healthBy(s *autoscalingv2.HorizontalPodAutoscalerCondition) v1alpha1.Condition {
	c := v1alpha1.Condition{Type: v1alpha1.ConditionHPAActive}
	switch {
	case s.Status == corev1.ConditionTrue:
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, v1alpha1.ReasonHPAActive, sayScaling
	case s.Reason == v1alpha1.ReasonHPAScalingDisabled: // the workload is at zero, where Furl put it
		c.Status, c.Reason, c.Message = metav1.ConditionTrue, s.Reason, s.Message
	default:
		c.Status, c.Reason, c.Message = metav1.ConditionFalse, cmp.Or(s.Reason, v1alpha1.ReasonHPAMetricsUnavailable), sayNotScaling+s.Message
	}
	return c
}
