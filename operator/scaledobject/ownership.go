package scaledobject

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// standing says whether Furl may scale an object's target: who else wants to,
// and whether KEDA is at work on the object. Who only observes is in nobody's way.
// Again is when to ask again by the clock alone, zero for never.
func (k *Controller) standing(ctx context.Context, s Seen, h *holding, at time.Time) (refused string, beside bool, again time.Time) {
	rivals := k.targets.Rivals(kube.Claim{Kind: v1alpha1.KindScaledObject, NamespacedName: keyOf(s.Object)})
	k.adopt(s.Object, h, rivals)
	observes := h.adopts || k.settings.Observe || s.Object.Annotations[api.AnnotationMode] == api.ModeObserve
	if h.observes && !observes {
		h.keda = s.Keda // what was written while Furl only watched is no contest
	}
	h.observes = observes
	if observes {
		h.beside = ""
		return "", false, time.Time{}
	}
	why, keda := "", ""
	for _, c := range rivals {
		switch {
		case c.Kind == hpa.Kind && k.isOurs(s.Object, c.Name):
		case c.Kind == hpa.Kind && (c.Name == s.Object.HPAName() || c.Name == s.Object.Status.HpaName):
			keda = c.Name
		case c.Kind == hpa.Kind:
			refused = managed(s.Object, "hpa", c.Name)
		case k.older(c.NamespacedName, s.Object):
			refused = managed(s.Object, v1alpha1.KindScaledObject, c.Name)
		}
	}
	switch {
	case keda != "" && s.Object.DeletionTimestamp == nil:
		h.keda = s.Keda // it is KEDA's as yet
		why, again = k.inherit(ctx, s.Object, h, keda, at)
	case s.Keda.After(h.keda):
		why = "KEDA wrote the status of this ScaledObject while Furl held it, so Furl leaves it alone until Furl is restarted"
	}
	if refused == "" {
		refused = k.unreadable(s.Object)
	}
	k.tell(s.Object, h, why)
	return refused, why != "" || keda != "", again
}

// adopt notes whether the HPA that an object replaces is still there. While it
// is, its own controller scales and Furl watches; the moment it is gone, Furl scales.
func (k *Controller) adopt(o *v1alpha1.ScaledObject, h *holding, rivals []kube.Claim) {
	name, adopts := policy.Adopts(o.Annotations)
	was := h.adopts
	h.adopts = false
	for _, c := range rivals {
		h.adopts = h.adopts || adopts && c.Kind == hpa.Kind && c.Name == name
	}
	if was && adopts && !h.adopts {
		k.ports.Events.Own(o, corev1.EventTypeNormal, "Adopted", fmt.Sprintf("HPA %s is gone, so Furl scales this workload from now on", name))
		k.log.Info("workload adopted", "namespace", o.Namespace, "name", o.Name, "hpa", name)
	}
}

// managed is KEDA's sentence about a target that is another's.
func managed(o *v1alpha1.ScaledObject, kind, name string) string {
	t := targetOf(o)
	return fmt.Sprintf("the workload '%s' of type '%s.%s' is already managed by the %s '%s'", t.Name, t.APIVersion, t.Kind, kind, name)
}

// older tells whether another object was there before o: of two that want one
// target, the first has it.
func (k *Controller) older(key types.NamespacedName, o *v1alpha1.ScaledObject) bool {
	s, ok := k.table.Get(key)
	if !ok || s.Object.DeletionTimestamp != nil {
		return false
	}
	a, b := s.Object.CreationTimestamp, o.CreationTimestamp
	return a.Before(&b) || a.Equal(&b) && key.Name < o.Name
}

// tell says once why Furl leaves an object to KEDA.
func (k *Controller) tell(o *v1alpha1.ScaledObject, h *holding, beside string) {
	if beside != "" && beside != h.beside {
		k.ports.Events.Own(o, corev1.EventTypeWarning, "StandingDown", beside)
		k.log.Warn("leaving a scaledobject to keda", "namespace", o.Namespace, "name", o.Name, "because", beside)
	}
	h.beside = beside
}
