package scaledobject

import (
	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	corev1 "k8s.io/api/core/v1"
)

const sayUnfrozen = "Sizes are written again"

// closed says why no size may be written now; empty: it may.
func (p *Ports) closed(namespace string) string {
	if p.Closed == nil {
		return ""
	}
	return p.Closed(namespace)
}

// thawed tells, of two lists of conditions, that the one was of a frozen object
// or the other is: Paused is then a freeze's and no annotation's.
func thawed(before, now v1alpha1.Conditions) bool {
	of := func(c v1alpha1.Conditions) bool { return c.Get(v1alpha1.ConditionPaused).Reason == api.ReasonFrozen }
	return of(before) || of(now)
}

// froze sends the event of a freeze that began.
func (a *Scaler) froze() {
	a.ports.Events.Own(a.book.stored, corev1.EventTypeWarning, api.ReasonFrozen,
		"No size is written: "+a.book.want.Conditions.Get(v1alpha1.ConditionPaused).Message)
}

// unfroze sends the event of a freeze that ended.
func (a *Scaler) unfroze() {
	a.ports.Events.Own(a.book.stored, corev1.EventTypeNormal, api.ReasonUnfrozen, sayUnfrozen)
}
