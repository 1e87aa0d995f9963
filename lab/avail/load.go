package avail

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/lab/simnode"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// objectName is that of a ScaledObject and its deployment: its load moves up and down.
func objectName(i int) string { return fmt.Sprintf("moves-%02d", i) }

// growing begins the names of HPAs and their deployments: their load asks for more all the time.
const growing = "grows-"

func growingName(i int) string { return fmt.Sprintf("%s%02d", growing, i) }

func isGrowing(name string) bool { return strings.HasPrefix(name, growing) }

const (
	poll = 1 // second
	// growEvery is how often an HPA may add a pod, and growMost where it ends: far above what a run reaches.
	growEvery = 4 // seconds
	growMost  = 100
)

// populate makes the load.
func (h *Harness) populate(ctx context.Context) error {
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	if _, err := h.client.CoreV1().Namespaces().Create(ctx, ns, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the namespace %s: %w", namespace, err)
	}
	for i := range h.ScaledObjects {
		if err := h.populateMoving(ctx, objectName(i)); err != nil {
			return err
		}
	}
	for i := range h.HPAs {
		if err := h.populateGrowing(ctx, growingName(i)); err != nil {
			return err
		}
	}
	return nil
}

func (h *Harness) populateMoving(ctx context.Context, name string) error {
	if err := h.deploy(ctx, name); err != nil {
		return err
	}
	fields, err := runtime.DefaultUnstructuredConverter.ToUnstructured(h.scaledObject(name))
	if err != nil {
		return fmt.Errorf("encode the ScaledObject %s: %w", name, err)
	}
	kind := v1alpha1.GroupVersion().WithResource("scaledobjects")
	if _, err := h.object.Resource(kind).Namespace(namespace).Create(ctx, &unstructured.Unstructured{Object: fields}, metav1.CreateOptions{}); err != nil {
		return fmt.Errorf("create the ScaledObject %s: %w", name, err)
	}
	return nil
}

// atOnce lets a size change to what is wanted in one write, up or down.
func atOnce() *autoscalingv2.HPAScalingRules {
	return &autoscalingv2.HPAScalingRules{
		StabilizationWindowSeconds: new(int32(0)),
		Policies:                   []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: growMost, PeriodSeconds: 1}},
	}
}

func (h *Harness) scaledObject(name string) *v1alpha1.ScaledObject {
	return &v1alpha1.ScaledObject{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.KindScaledObject},
		ObjectMeta: metav1.ObjectMeta{Name: name, Namespace: namespace},
		Spec: v1alpha1.ScaledObjectSpec{
			ScaleTargetRef:  &v1alpha1.ScaleTarget{Name: name},
			PollingInterval: new(int32(poll)),
			MinReplicaCount: new(int32(1)),
			MaxReplicaCount: new(int32(most)),
			Advanced: &v1alpha1.AdvancedConfig{HorizontalPodAutoscalerConfig: &v1alpha1.HorizontalPodAutoscalerConfig{
				Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: atOnce(), ScaleDown: atOnce()},
			}},
			Triggers: []v1alpha1.ScaleTriggers{{Type: "metrics-api", Metadata: map[string]string{
				"url": h.source.url + name, "valueLocation": "value", "targetValue": fmt.Sprint(target),
			}}},
		},
	}
}

// populateGrowing makes an HPA whose pods always use ten times of what they should.
func (h *Harness) populateGrowing(ctx context.Context, name string) error {
	if err := h.deploy(ctx, name); err != nil {
		return err
	}
	_, err := h.client.AutoscalingV2().HorizontalPodAutoscalers(namespace).Create(ctx, &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MaxReplicas:    growMost,
			Metrics: []autoscalingv2.MetricSpec{{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{
				Name: corev1.ResourceCPU, Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(100))},
			}}},
			Behavior: &autoscalingv2.HorizontalPodAutoscalerBehavior{
				ScaleUp: &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{{Type: autoscalingv2.PodsScalingPolicy, Value: 1, PeriodSeconds: growEvery}}},
				// A scale-in that is not right shall not be held back: it shall be seen.
				ScaleDown: atOnce(),
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create the HPA %s: %w", name, err)
	}
	return nil
}

func (h *Harness) deploy(ctx context.Context, name string) error {
	labels := map[string]string{"app": name}
	_, err := h.client.AppsV1().Deployments(namespace).Create(ctx, &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Name: name, Labels: labels},
		Spec: appsv1.DeploymentSpec{
			Replicas: new(int32(1)),
			Selector: &metav1.LabelSelector{MatchLabels: labels},
			Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels, Annotations: map[string]string{simnode.CPUAnnotation: "100m"}},
				Spec: corev1.PodSpec{
					NodeSelector: map[string]string{"furl.dev/simulated": "true"},
					Tolerations:  []corev1.Toleration{{Key: "furl.dev/simulated", Operator: corev1.TolerationOpExists}},
					Containers: []corev1.Container{{
						Name: "main", Image: "registry.k8s.io/pause",
						Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: *resource.NewMilliQuantity(10, resource.DecimalSI)}},
					}},
				},
			},
		},
	}, metav1.CreateOptions{})
	if err != nil {
		return fmt.Errorf("create the deployment %s: %w", name, err)
	}
	return nil
}

// resize writes a size as a person does.
func (h *Harness) resize(ctx context.Context, name string, replicas int32) error {
	_, err := h.client.AppsV1().Deployments(namespace).UpdateScale(ctx, name, &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}, Spec: autoscalingv1.ScaleSpec{Replicas: replicas},
	}, metav1.UpdateOptions{})
	if err != nil {
		return fmt.Errorf("scale the deployment %s to %d: %w", name, replicas, err)
	}
	return nil
}

// shrink takes what grows back to one replica, so that it can grow again.
func (h *Harness) shrink(ctx context.Context) error {
	for i := range h.HPAs {
		if err := h.resize(ctx, growingName(i), 1); err != nil {
			return err
		}
	}
	return nil
}

// right waits until all sizes are those that the source asks for.
func (h *Harness) right(ctx context.Context, within time.Duration) error {
	missing := map[string]bool{}
	for i := range h.ScaledObjects {
		missing[objectName(i)] = true
	}
	return await(ctx, within, "the right size of each", func() (bool, error) {
		for name := range missing {
			s, err := h.client.AppsV1().Deployments(namespace).GetScale(ctx, name, metav1.GetOptions{})
			if err != nil {
				return false, fmt.Errorf("read the size of %s: %w", name, err)
			}
			if s.Spec.Replicas == h.source.want(name) {
				delete(missing, name)
			}
		}
		return len(missing) == 0, fmt.Errorf("%d have not had it", len(missing))
	})
}
