package actuation

import (
	"maps"

	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
)

// Differs tells whether a stored HPA has to be written to become the one
// wanted. What the API server fills in is no difference, and neither are labels
// and annotations that others put on it.
func Differs(is, want *autoscalingv2.HorizontalPodAutoscaler) bool {
	return !within(want.Labels, is.Labels) || !within(want.Annotations, is.Annotations) ||
		!apiequality.Semantic.DeepEqual(&policy.Default(want).Spec, &policy.Default(is).Spec) ||
		!apiequality.Semantic.DeepEqual(want.OwnerReferences, is.OwnerReferences)
}

// Become returns the stored HPA as it has to be written: with the spec, labels
// and annotations wanted, without those wanted before, and all else as it is.
func Become(is, want, before *autoscalingv2.HorizontalPodAutoscaler) *autoscalingv2.HorizontalPodAutoscaler {
	next := is.DeepCopy()
	next.Spec, next.OwnerReferences = want.Spec, want.OwnerReferences
	if before != nil {
		for name := range before.Labels {
			delete(next.Labels, name)
		}
		for name := range before.Annotations {
			delete(next.Annotations, name)
		}
	}
	next.Labels, next.Annotations = joined(next.Labels, want.Labels), joined(next.Annotations, want.Annotations)
	return next
}

func within(some, all map[string]string) bool {
	for name, value := range some {
		if v, ok := all[name]; !ok || v != value {
			return false
		}
	}
	return true
}

func joined(is, want map[string]string) map[string]string {
	if len(is)+len(want) == 0 {
		return nil
	}
	all := maps.Clone(is)
	if all == nil {
		all = make(map[string]string, len(want))
	}
	maps.Copy(all, want)
	return all
}
