package hpa

import (
	"slices"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/loop"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// closed says why no size may be written now; empty: it may.
func (a *Autoscaler) closed() string {
	if a.ports.Closed == nil {
		return ""
	}
	return a.ports.Closed(a.key.Namespace)
}

// ableToScale is the condition as it stands.
func (a *Autoscaler) ableToScale() autoscalingv2.HorizontalPodAutoscalerCondition {
	all := a.book.want.Conditions
	i := slices.IndexFunc(all, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool {
		return c.Type == autoscalingv2.AbleToScale
	})
	if i < 0 {
		return autoscalingv2.HorizontalPodAutoscalerCondition{}
	}
	return all[i]
}

// frozen publishes that a freeze is in force, or no longer is: the condition has
// the last word on the size, and an event tells the change. Was is the condition
// before the turn.
func (a *Autoscaler) frozen(r *loop.Record, was autoscalingv2.HorizontalPodAutoscalerCondition) {
	before, now := was.Reason == api.ReasonFrozen, r.Freeze != ""
	if now {
		a.condition(r, verdict{autoscalingv2.AbleToScale, corev1.ConditionFalse, api.ReasonFrozen, r.Freeze})
		if was.Status == corev1.ConditionFalse {
			// What the turn said in between was no transition.
			i := slices.IndexFunc(a.book.want.Conditions, func(c autoscalingv2.HorizontalPodAutoscalerCondition) bool { return c.Type == was.Type })
			a.book.want.Conditions[i].LastTransitionTime = was.LastTransitionTime
		}
	}
	switch {
	case now && !before:
		a.ports.Events.Event(a.book.stored, corev1.EventTypeWarning, api.ReasonFrozen, "No size is written: "+r.Freeze)
	case before && !now:
		a.ports.Events.Event(a.book.stored, corev1.EventTypeNormal, api.ReasonUnfrozen, "Sizes are written again")
	}
}
