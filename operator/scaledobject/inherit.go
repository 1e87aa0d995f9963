package scaledobject

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Predecessor is KEDA's operator; *kube.KedaPresence is one.
type Predecessor interface {
	// Sign is by what it shows that it is at work, in words; empty when it does not.
	Sign(ctx context.Context) (string, error)
}

// lookAgain is how often Furl looks whether KEDA is gone, while an HPA of KEDA
// scales the target of an object.
const lookAgain = 30 * time.Second

// inherit takes away the HPA that KEDA has left behind for an object, so that
// nothing but Furl writes the size, or says why it has to stay. It happens once:
// an HPA that is there again was made by somebody who is alive.
func (k *Controller) inherit(ctx context.Context, o *v1alpha1.ScaledObject, h *holding, name string, at time.Time) (why string, again time.Time) {
	if h.inherited {
		return fmt.Sprintf("HPA %s was made again after Furl had removed it, so Furl leaves the object alone until Furl is restarted; "+
			"see who makes it: kubectl get hpa %s -n %s -o yaml --show-managed-fields", name, name, o.Namespace), time.Time{}
	}
	left, why := k.left(ctx, o, name)
	if why != "" {
		return why, at.Add(lookAgain)
	}
	if left == nil {
		return "", time.Time{} // it has just gone, which wakes the object
	}
	if err := k.ports.Autoscalers.Delete(ctx, left); err != nil {
		return fmt.Sprintf("KEDA is gone, and its HPA %s cannot be removed, so Furl leaves the object alone: %v", name, err), at.Add(lookAgain)
	}
	h.inherited = true
	k.ports.Events.Own(o, corev1.EventTypeNormal, "TakenOver",
		fmt.Sprintf("KEDA is gone, so Furl has removed its HPA %s and scales this workload from now on", name))
	k.log.InfoContext(ctx, "scaledobject taken over from keda", "namespace", o.Namespace, "name", o.Name, "hpa", name)
	return "", time.Time{}
}

// left is the HPA that KEDA has left behind for an object, or why it is not
// Furl's to remove: KEDA is at work, or it is another's, or Furl could not take
// its place. Nil without a reason: there is none any more.
func (k *Controller) left(ctx context.Context, o *v1alpha1.ScaledObject, name string) (*autoscalingv2.HorizontalPodAutoscaler, string) {
	const stays = "KEDA's HPA %s scales the target, so Furl leaves it alone"
	if k.ports.Keda == nil || k.ports.Autoscalers == nil {
		return nil, fmt.Sprintf(stays, name)
	}
	is, _ := k.ports.Autoscalers.Get(types.NamespacedName{Namespace: o.Namespace, Name: name})
	if is == nil {
		return nil, ""
	}
	if owner := metav1.GetControllerOf(is); owner == nil || owner.UID != o.UID {
		return nil, fmt.Sprintf("HPA %s scales the target and does not belong to this ScaledObject, so Furl leaves it alone; remove it to let Furl scale", name)
	}
	sign, err := k.ports.Keda.Sign(ctx)
	switch {
	case err != nil:
		return nil, fmt.Sprintf(stays+": whether KEDA is at work cannot be told: %v", name, err)
	case sign != "":
		return nil, fmt.Sprintf(stays+": %s. Scale that operator to zero, and Furl takes over", name, sign)
	}
	if errs := policy.ValidateScaledObject(o); len(errs) > 0 {
		return nil, fmt.Sprintf(stays+" though KEDA is gone: %v", name, errs.ToAggregate())
	}
	return is, ""
}
