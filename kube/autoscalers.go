package kube

import (
	"context"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typed "k8s.io/client-go/kubernetes/typed/autoscaling/v2"
)

// Autoscalers makes, changes and deletes HPAs.
type Autoscalers struct {
	Client typed.HorizontalPodAutoscalersGetter
}

// Create makes an HPA and returns it as stored.
func (a Autoscalers) Create(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	return a.Client.HorizontalPodAutoscalers(h.Namespace).Create(ctx, h, metav1.CreateOptions{FieldManager: FieldManager})
}

// Update writes all of an HPA but its status, unless it changed meanwhile, and
// returns it as stored.
func (a Autoscalers) Update(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	return a.Client.HorizontalPodAutoscalers(h.Namespace).Update(ctx, h, metav1.UpdateOptions{FieldManager: FieldManager})
}

// Delete deletes this HPA and no later one of its name. One that is gone, or
// another by now, is no error.
func (a Autoscalers) Delete(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) error {
	uid := h.UID
	err := a.Client.HorizontalPodAutoscalers(h.Namespace).Delete(ctx, h.Name, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}})
	if apierrors.IsNotFound(err) || apierrors.IsConflict(err) {
		return nil
	}
	return err
}
