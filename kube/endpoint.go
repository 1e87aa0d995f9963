package kube

import (
	"context"
	"fmt"
	"slices"

	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/scale"
)

// typedScale is the /scale subresource of a built-in kind.
type typedScale interface {
	GetScale(ctx context.Context, name string, o metav1.GetOptions) (*autoscalingv1.Scale, error)
	UpdateScale(ctx context.Context, name string, s *autoscalingv1.Scale, o metav1.UpdateOptions) (*autoscalingv1.Scale, error)
}

// endpoint is the /scale subresource through client-go. The built-in kinds
// need no discovery, which would stand between a decision and its write.
type endpoint struct {
	core  kubernetes.Interface
	other scale.ScalesGetter
}

// NewEndpoint reaches the built-in kinds through core and all others through other.
func NewEndpoint(core kubernetes.Interface, other scale.ScalesGetter) Endpoint {
	return endpoint{core, other}
}

func (e endpoint) Get(ctx context.Context, r schema.GroupResource, namespace, name string) (*autoscalingv1.Scale, error) {
	if c := e.typed(r, namespace); c != nil {
		return c.GetScale(ctx, name, metav1.GetOptions{})
	}
	return e.other.Scales(namespace).Get(ctx, r, name, metav1.GetOptions{})
}

func (e endpoint) Update(ctx context.Context, r schema.GroupResource, s *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
	o := metav1.UpdateOptions{FieldManager: FieldManager}
	if c := e.typed(r, s.Namespace); c != nil {
		return c.UpdateScale(ctx, s.Name, s, o)
	}
	return e.other.Scales(s.Namespace).Update(ctx, r, s, o)
}

// typed is the client of a built-in kind, or nil.
func (e endpoint) typed(r schema.GroupResource, namespace string) typedScale {
	switch r {
	case schema.GroupResource{Group: appsv1.GroupName, Resource: "deployments"}:
		return e.core.AppsV1().Deployments(namespace)
	case schema.GroupResource{Group: appsv1.GroupName, Resource: "statefulsets"}:
		return e.core.AppsV1().StatefulSets(namespace)
	case schema.GroupResource{Group: appsv1.GroupName, Resource: "replicasets"}:
		return e.core.AppsV1().ReplicaSets(namespace)
	case schema.GroupResource{Resource: "replicationcontrollers"}:
		return e.core.CoreV1().ReplicationControllers(namespace)
	default:
		return nil
	}
}

// Scalable tells from discovery whether a kind has a /scale subresource.
func (e endpoint) Scalable(r schema.GroupVersionResource) (bool, error) {
	list, err := e.core.Discovery().ServerResourcesForGroupVersion(r.GroupVersion().String())
	if err != nil {
		return false, fmt.Errorf("resources of %s: %w", r.GroupVersion(), err)
	}
	return slices.ContainsFunc(list.APIResources, func(a metav1.APIResource) bool { return a.Name == r.Resource+"/scale" }), nil
}
