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

// PodFeed follows all pods into sink.
func PodFeed(c kubernetes.Interface, sink Sink[*corev1.Pod]) Follower {
	return NewFeed("pods", source(c.CoreV1().Pods(metav1.NamespaceAll), c), &corev1.Pod{}, sink, stripPod)
}

// NodeFeed follows all nodes into sink.
func NodeFeed(c kubernetes.Interface, sink Sink[*corev1.Node]) Follower {
	return NewFeed("nodes", source(c.CoreV1().Nodes(), c), &corev1.Node{}, sink, nil)
}

// AutoscalerFeed follows all HorizontalPodAutoscalers into sink.
func AutoscalerFeed(c kubernetes.Interface, sink Sink[*autoscalingv2.HorizontalPodAutoscaler]) Follower {
	all := c.AutoscalingV2().HorizontalPodAutoscalers(metav1.NamespaceAll)
	return NewFeed("horizontalpodautoscalers", source(all, c), &autoscalingv2.HorizontalPodAutoscaler{}, sink, nil)
}

// FreezeFeed follows the orders to write no sizes into sink: the ConfigMaps of
// that one name, in all namespaces.
func FreezeFeed(c kubernetes.Interface, sink Sink[*corev1.ConfigMap]) Follower {
	all := source(c.CoreV1().ConfigMaps(metav1.NamespaceAll), c)
	return NewFeed("configmaps", byName(all, Ref{NamespacedName: types.NamespacedName{Name: api.FreezeName}}, func(error) {}, c),
		&corev1.ConfigMap{}, sink, nil)
}

// WorkloadFeeds follow the kinds whose sizes w keeps.
func WorkloadFeeds(c kubernetes.Interface, w *Workloads) []Follower {
	apps, core := c.AppsV1(), c.CoreV1()
	return []Follower{
		NewFeed("deployments", source(apps.Deployments(metav1.NamespaceAll), c), &appsv1.Deployment{}, w.Deployments(), stripWorkload),
		NewFeed("statefulsets", source(apps.StatefulSets(metav1.NamespaceAll), c), &appsv1.StatefulSet{}, w.StatefulSets(), stripWorkload),
		NewFeed("replicasets", source(apps.ReplicaSets(metav1.NamespaceAll), c), &appsv1.ReplicaSet{}, w.ReplicaSets(), stripWorkload),
		NewFeed("replicationcontrollers", source(core.ReplicationControllers(metav1.NamespaceAll), c),
			&corev1.ReplicationController{}, w.ReplicationControllers(), stripWorkload),
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
