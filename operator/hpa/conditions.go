package hpa

import (
	"slices"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// conditions is a status' list: in the order of first use, with a transition
// time that changes with the status only.
type conditions []autoscalingv2.HorizontalPodAutoscalerCondition

// verdict is one condition's value.
type verdict struct {
	kind            autoscalingv2.HorizontalPodAutoscalerConditionType
	status          corev1.ConditionStatus
	reason, message string
}

func (c *conditions) set(v verdict, at time.Time) {
	i := slices.IndexFunc(*c, func(o autoscalingv2.HorizontalPodAutoscalerCondition) bool { return o.Type == v.kind })
	if i < 0 {
		*c = append(*c, autoscalingv2.HorizontalPodAutoscalerCondition{Type: v.kind})
		i = len(*c) - 1
	}
	o := &(*c)[i]
	if o.Status != v.status {
		o.LastTransitionTime = metav1.NewTime(at.Truncate(time.Second)) // as it is stored: an instant that never matches is written for ever
	}
	o.Status, o.Reason, o.Message = v.status, v.reason, v.message
}

// is tells whether a condition has the given status.
func (c conditions) is(kind autoscalingv2.HorizontalPodAutoscalerConditionType, status corev1.ConditionStatus) bool {
	return slices.ContainsFunc(c, func(o autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return o.Type == kind && o.Status == status
	})
}
