package hpa

import autoscalingv2 "k8s.io/api/autoscaling/v2"

// In returns the HPAs of a namespace, in no order; they are not to be modified.
func (k *Controller) In(namespace string) []*autoscalingv2.HorizontalPodAutoscaler {
	var out []*autoscalingv2.HorizontalPodAutoscaler
	k.table.Each(func(s Seen) {
		if s.Object.Namespace == namespace {
			out = append(out, s.Object)
		}
	})
	return out
}
