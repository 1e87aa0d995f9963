package kube

import (
	"context"

	"github.com/furl-dev/furl/api"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Follower is a feed of any kind.
type Follower interface {
	// Name is the kind's, as a role names it.
	Name() string
	Run(ctx context.Context) error
	Synced() <-chan struct{}
}

// collection is a typed client of one kind.
type collection[L runtime.Object] interface {
	List(ctx context.Context, o metav1.ListOptions) (L, error)
	Watch(ctx context.Context, o metav1.ListOptions) (watch.Interface, error)
}

// source lists and watches all objects of a kind. Client says whether it can
// stream a list.
func source[L runtime.Object](c collection[L], client any) cache.ListerWatcher {
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return c.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return c.Watch(ctx, o)
		},
	}, client)
}

// PodFeed follows the pods of a scope into sink.
func PodFeed(c kubernetes.Interface, in Scope, sink Sink[*corev1.Pod]) Follower {
	return scoped(in, sink, func(namespace string, sink Sink[*corev1.Pod]) *Feed[*corev1.Pod] {
		return NewFeed("pods", source(c.CoreV1().Pods(namespace), c), &corev1.Pod{}, sink, stripPod)
	})
}

// NodeFeed follows all nodes into sink.
func NodeFeed(c kubernetes.Interface, sink Sink[*corev1.Node]) Follower {
	return NewFeed("nodes", source(c.CoreV1().Nodes(), c), &corev1.Node{}, sink, nil)
}

// AutoscalerFeed follows the HorizontalPodAutoscalers of a scope into sink.
func AutoscalerFeed(c kubernetes.Interface, in Scope, sink Sink[*autoscalingv2.HorizontalPodAutoscaler]) Follower {
	return scoped(in, sink, func(namespace string, sink Sink[*autoscalingv2.HorizontalPodAutoscaler]) *Feed[*autoscalingv2.HorizontalPodAutoscaler] {
		all := c.AutoscalingV2().HorizontalPodAutoscalers(namespace)
		return NewFeed("horizontalpodautoscalers", source(all, c), &autoscalingv2.HorizontalPodAutoscaler{}, sink, nil)
	})
}

// FreezeFeed follows the orders to write no sizes into sink: the ConfigMaps of
// that one name, in all namespaces of a scope.
func FreezeFeed(c kubernetes.Interface, in Scope, sink Sink[*corev1.ConfigMap]) Follower {
	return scoped(in, sink, func(namespace string, sink Sink[*corev1.ConfigMap]) *Feed[*corev1.ConfigMap] {
		all := source(c.CoreV1().ConfigMaps(namespace), c)
		named := byName(all, Ref{NamespacedName: types.NamespacedName{Name: api.FreezeName}}, func(error) {}, c)
		return NewFeed("configmaps", named, &corev1.ConfigMap{}, sink, nil)
	})
}

// WorkloadFeeds follow the kinds whose sizes w keeps.
func WorkloadFeeds(c kubernetes.Interface, in Scope, w *Workloads) []Follower {
	apps, core := c.AppsV1(), c.CoreV1()
	return []Follower{
		scoped(in, w.Deployments(), func(namespace string, sink Sink[*appsv1.Deployment]) *Feed[*appsv1.Deployment] {
			return NewFeed("deployments", source(apps.Deployments(namespace), c), &appsv1.Deployment{}, sink, stripWorkload)
		}),
		scoped(in, w.StatefulSets(), func(namespace string, sink Sink[*appsv1.StatefulSet]) *Feed[*appsv1.StatefulSet] {
			return NewFeed("statefulsets", source(apps.StatefulSets(namespace), c), &appsv1.StatefulSet{}, sink, stripWorkload)
		}),
		scoped(in, w.ReplicaSets(), func(namespace string, sink Sink[*appsv1.ReplicaSet]) *Feed[*appsv1.ReplicaSet] {
			return NewFeed("replicasets", source(apps.ReplicaSets(namespace), c), &appsv1.ReplicaSet{}, sink, stripWorkload)
		}),
		scoped(in, w.ReplicationControllers(), func(namespace string, sink Sink[*corev1.ReplicationController]) *Feed[*corev1.ReplicationController] {
			return NewFeed("replicationcontrollers", source(core.ReplicationControllers(namespace), c),
				&corev1.ReplicationController{}, sink, stripWorkload)
		}),
	}
}

// stripWorkload empties the bulk of a workload: its template and its bookkeeping.
func stripWorkload(obj any) (any, error) {
	switch o := obj.(type) {
	case *appsv1.Deployment:
		o.Spec.Template, o.Status.Conditions = corev1.PodTemplateSpec{}, nil
	case *appsv1.StatefulSet:
		o.Spec.Template, o.Spec.VolumeClaimTemplates = corev1.PodTemplateSpec{}, nil
	case *appsv1.ReplicaSet:
		o.Spec.Template = corev1.PodTemplateSpec{}
	case *corev1.ReplicationController:
		o.Spec.Template = nil
	}
	if m, ok := obj.(metav1.Object); ok {
		m.SetManagedFields(nil)
		m.SetAnnotations(nil)
	}
	return obj, nil
}
