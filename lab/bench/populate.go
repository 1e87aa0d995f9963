package bench

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// atOnce is how many objects are created at the same time.
const atOnce = 16

// workload is a deployment and its ScaledObject.
type workload struct {
	name     string
	replicas int32
	max      int32
	poll     time.Duration
	trigger  v1alpha1.ScaleTriggers
	// free lets it grow to any size at once; otherwise growth is limited as an HPA without behavior limits it.
	free bool
}

func (b *Bench) makeNamespace(ctx context.Context) error {
	_, err := b.client.CoreV1().Namespaces().Create(ctx, &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		return fmt.Errorf("make the namespace %s: %w", namespace, err)
	}
	return nil
}

// polled is a metrics-api trigger on the source; one replica should have 5.
func (b *Bench) polled(name string) v1alpha1.ScaleTriggers {
	return v1alpha1.ScaleTriggers{Type: "metrics-api", Metadata: map[string]string{
		"url": b.source.URL + name, "valueLocation": "value", "targetValue": "5", "activationTargetValue": "0",
	}}
}

// pushed is an external-push trigger.
func (b *Bench) pushed() v1alpha1.ScaleTriggers {
	return v1alpha1.ScaleTriggers{Type: "external-push", Metadata: map[string]string{"scalerAddress": b.pushes.Address}}
}

// populate creates workloads.
func (b *Bench) populate(ctx context.Context, all []workload) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range all {
		g.Go(func() error { return b.create(ctx, &all[i]) })
	}
	return g.Wait()
}

func (b *Bench) create(ctx context.Context, w *workload) error {
	if _, err := b.client.AppsV1().Deployments(namespace).Create(ctx, w.deployment(), metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the deployment %s: %w", w.name, err)
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(w.scaledObject())
	if err != nil {
		return fmt.Errorf("encode the ScaledObject %s: %w", w.name, err)
	}
	kind := v1alpha1.GroupVersion().WithResource("scaledobjects")
	if _, err := b.object.Resource(kind).Namespace(namespace).Create(ctx, &unstructured.Unstructured{Object: fields}, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the ScaledObject %s: %w", w.name, err)
	}
	return nil
}

// deployment has pods on simulated nodes.
func (w *workload) deployment() *appsv1.Deployment {
	labels := map[string]string{"app": w.name}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: w.name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(w.replicas),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec: corev1.PodSpec{
					NodeSelector: map[string]string{"furl.dev/simulated": "true"},
					Tolerations:  []corev1.Toleration{{Key: "furl.dev/simulated", Operator: corev1.TolerationOpExists}},
					Containers:   []corev1.Container{{Name: "main", Image: "registry.k8s.io/pause"}},
				},
			},
		},
	}
}

// scaledObject stays up long after its last activity, so that nothing shrinks while it is measured.
func (w *workload) scaledObject() *v1alpha1.ScaledObject {
	o := &v1alpha1.ScaledObject{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.KindScaledObject},
		ObjectMeta: metav1.ObjectMeta{Name: w.name, Namespace: namespace},
		Spec: v1alpha1.ScaledObjectSpec{
			ScaleTargetRef:  &v1alpha1.ScaleTarget{Name: w.name},
			PollingInterval: new(int32(w.poll.Seconds())),
			CooldownPeriod:  new(int32(3600)),
			MinReplicaCount: new(int32(0)),
			MaxReplicaCount: new(w.max),
			Triggers:        []v1alpha1.ScaleTriggers{w.trigger},
		},
	}
	if w.free {
		o.Spec.Advanced = &v1alpha1.AdvancedConfig{HorizontalPodAutoscalerConfig: &v1alpha1.HorizontalPodAutoscalerConfig{
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{
				Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: math.MaxInt16, PeriodSeconds: 15}},
			}},
		}}
	}
	return o
}

// remove deletes a workload.
func (b *Bench) remove(ctx context.Context, name string) error {
	kind := v1alpha1.GroupVersion().WithResource("scaledobjects")
	if err := b.object.Resource(kind).Namespace(namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete the ScaledObject %s: %w", name, err)
	}
	if err := b.client.AppsV1().Deployments(namespace).Delete(ctx, name, metav1.DeleteOptions{}); err != nil {
		return fmt.Errorf("delete the deployment %s: %w", name, err)
	}
	return nil
}
