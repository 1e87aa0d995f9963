package kube

import (
	"context"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
)

// AutoscalerStatus writes the status of HPAs.
type AutoscalerStatus struct {
	Client typed.HorizontalPodAutoscalersGetter
}

// WriteStatus replaces the status of h and returns the object as stored. When
// h is not the newest version it writes the same status to the newest one.
func (a AutoscalerStatus) WriteStatus(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	c := a.Client.HorizontalPodAutoscalers(h.Namespace)
	o := metav1.UpdateOptions{FieldManager: FieldManager}
	stored, err := c.UpdateStatus(ctx, h, o)
	if !apierrors.IsConflict(err) {
		return stored, err
	}
	latest, err := c.Get(ctx, h.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	if latest.UID != h.UID {
		return nil, apierrors.NewNotFound(autoscalingv2.Resource("horizontalpodautoscalers"), h.Name)
	}
	latest.Status = h.Status
	return c.UpdateStatus(ctx, latest, o)
}
