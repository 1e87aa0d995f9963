package policy

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// Adopt makes the ScaledObject that decides as an HPA does, under its name. It
// takes the place of the HPA once that is gone, see [api.AnnotationAdopts]. An
// HPA for which there is none is refused, each reason with its field.
func Adopt(hpa *autoscalingv2.HorizontalPodAutoscaler) (*v1alpha1.ScaledObject, field.ErrorList) {
	h, spec := Default(hpa), field.NewPath("spec")
	errs := Validate(hpa)
	if *h.Spec.MinReplicas == 0 {
		errs = append(errs, field.Forbidden(spec.Child("minReplicas"),
			"of 0: an HPA goes to zero as its metrics fall, a ScaledObject after a cooldown without work; write the ScaledObject by hand"))
	}
	triggers, refused := adoptMetrics(h.Spec.Metrics, spec.Child("metrics"))
	if errs = append(errs, refused...); len(errs) > 0 {
		return nil, errs
	}
	ref := h.Spec.ScaleTargetRef
	so := &v1alpha1.ScaledObject{
		TypeMeta: metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.KindScaledObject},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: h.Namespace, Name: h.Name,
			Labels: theUsers(h.Labels), Annotations: theUsers(h.Annotations), OwnerReferences: h.OwnerReferences,
		},
		Spec: v1alpha1.ScaledObjectSpec{
			ScaleTargetRef:  &v1alpha1.ScaleTarget{APIVersion: ref.APIVersion, Kind: ref.Kind, Name: ref.Name},
			MinReplicaCount: h.Spec.MinReplicas, MaxReplicaCount: &h.Spec.MaxReplicas, Triggers: triggers,
		},
	}
	if b := hpa.Spec.Behavior; b != nil {
		so.Spec.Advanced = &v1alpha1.AdvancedConfig{
			HorizontalPodAutoscalerConfig: &v1alpha1.HorizontalPodAutoscalerConfig{Behavior: b.DeepCopy()},
		}
	}
	metav1.SetMetaDataAnnotation(&so.ObjectMeta, api.AnnotationAdopts, h.Name)
	return so, nil
}

// Adopts is the HPA that a ScaledObject with these annotations replaces.
func Adopts(annotations map[string]string) (name string, adopts bool) {
	name = annotations[api.AnnotationAdopts]
	return name, name != "" && !strings.Contains(name, "/")
}

// adoptMetrics makes a trigger of each metric, in their order.
func adoptMetrics(metrics []autoscalingv2.MetricSpec, path *field.Path) (out []v1alpha1.ScaleTriggers, errs field.ErrorList) {
	for i := range metrics {
		m, at := &metrics[i], path.Index(i)
		var t v1alpha1.ScaleTriggers
		var why string
		switch {
		case m.Resource != nil:
			t, why = adoptResource(m.Resource.Name, m.Resource.Target)
		case m.ContainerResource != nil:
			t, why = adoptResource(m.ContainerResource.Name, m.ContainerResource.Target)
			if why == "" {
				t.Metadata["containerName"] = m.ContainerResource.Container
			}
		default:
			why = unreadable(m)
		}
		if why != "" {
			errs = append(errs, field.Forbidden(at, why))
			continue
		}
		out = append(out, t)
	}
	return out, errs
}

// unreadable is why no trigger takes the place of a metric that an adapter
// serves: only who runs the adapter knows what it asks for it.
func unreadable(m *autoscalingv2.MetricSpec) string {
	var name, from string
	switch {
	case m.Pods != nil:
		name, from = m.Pods.Metric.Name, "custom.metrics.k8s.io"
	case m.Object != nil:
		name, from = m.Object.Metric.Name, "custom.metrics.k8s.io"
	case m.External != nil:
		name, from = m.External.Metric.Name, "external.metrics.k8s.io"
	default:
		return fmt.Sprintf("no trigger reads a metric of type %s", m.Type)
	}
	return fmt.Sprintf("the metric %s of type %s comes from an adapter behind %s, and what that asks, and whom, is not in this cluster's objects; "+
		"write a trigger for it by hand (furl triggers lists them)", name, m.Type, from)
}

// adoptResource makes a cpu or memory trigger. An average value wins over a
// utilization, as it does in the HPA.
func adoptResource(r corev1.ResourceName, target autoscalingv2.MetricTarget) (t v1alpha1.ScaleTriggers, why string) {
	if !isResource(string(r)) {
		return t, fmt.Sprintf("there is no trigger for the resource %s, only for cpu and memory", r)
	}
	t.Type = string(r)
	switch {
	case target.AverageValue != nil:
		t.MetricType, t.Metadata = autoscalingv2.AverageValueMetricType, map[string]string{"value": target.AverageValue.String()}
	case target.AverageUtilization != nil:
		t.MetricType, t.Metadata = autoscalingv2.UtilizationMetricType, map[string]string{"value": strconv.Itoa(int(*target.AverageUtilization))}
	default:
		return t, noResourceTarget
	}
	return t, ""
}

// notTheUsers are labels and annotations that say something about the HPA and
// not about its workload: who wrote it, what it was made from, or how it is scaled.
func notTheUsers(key string) bool {
	domain, name, _ := strings.Cut(key, "/")
	switch domain {
	case "kubectl.kubernetes.io", "autoscaling.alpha.kubernetes.io", "argocd.argoproj.io", "meta.helm.sh",
		"autoscaling.keda.sh", "scaledobject.keda.sh", "validations.keda.sh":
		return true
	case "app.kubernetes.io":
		return name == "managed-by"
	case "furl.dev":
		return key == api.AnnotationMode || key == api.AnnotationAdopts || key == api.AnnotationAdopted
	default:
		return strings.HasSuffix(domain, ".fluxcd.io")
	}
}

func theUsers(all map[string]string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(key, _ string) bool { return notTheUsers(key) })
	if len(out) == 0 {
		return nil
	}
	return out
}

// Keep notes on a ScaledObject the HPA that it replaces, for [Adopted].
func Keep(so *v1alpha1.ScaledObject, hpa *autoscalingv2.HorizontalPodAutoscaler) error {
	raw, err := json.Marshal(Bare(hpa))
	if err != nil {
		return fmt.Errorf("keep HPA %s/%s: %w", hpa.Namespace, hpa.Name, err)
	}
	metav1.SetMetaDataAnnotation(&so.ObjectMeta, api.AnnotationAdopted, string(raw))
	return nil
}

// Bare is an HPA as a user would write it: without what the API server and its
// controller add.
func Bare(hpa *autoscalingv2.HorizontalPodAutoscaler) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		TypeMeta: metav1.TypeMeta{APIVersion: autoscalingv2.SchemeGroupVersion.String(), Kind: "HorizontalPodAutoscaler"},
		ObjectMeta: metav1.ObjectMeta{
			Namespace: hpa.Namespace, Name: hpa.Name,
			Labels: maps.Clone(hpa.Labels), Annotations: maps.Clone(hpa.Annotations), OwnerReferences: hpa.OwnerReferences,
		},
		Spec: *hpa.Spec.DeepCopy(),
	}
}

// Adopted is the HPA that a ScaledObject has replaced, as it was.
func Adopted(so *v1alpha1.ScaledObject) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	text, ok := so.Annotations[api.AnnotationAdopted]
	if !ok {
		return nil, fmt.Errorf("ScaledObject %s/%s keeps no HPA in its annotation %s: furl adopt did not make it", so.Namespace, so.Name, api.AnnotationAdopted)
	}
	h := new(autoscalingv2.HorizontalPodAutoscaler)
	if err := json.Unmarshal([]byte(text), h); err != nil {
		return nil, fmt.Errorf("annotation %s of ScaledObject %s/%s: %w", api.AnnotationAdopted, so.Namespace, so.Name, err)
	}
	return h, nil
}

// SameMeaning says why an HPA and the ScaledObject in its place would not
// decide alike; nil when they would, at any size above zero.
func SameMeaning(hpa, so Compiled) error {
	p := so.Policy
	p.Activation = engine.Activation{} // a workload of cpu and memory is always active, and none of these goes to zero
	if !reflect.DeepEqual(hpa.Policy, p) {
		return fmt.Errorf("the HPA means %+v, the ScaledObject %+v", hpa.Policy, p)
	}
	if hpa.Cadence != so.Cadence || hpa.Busy != so.Busy {
		return fmt.Errorf("the HPA's annotations furl.dev/cadence and furl.dev/busy mean %s and %+v, the ScaledObject's %s and %+v", hpa.Cadence, hpa.Busy, so.Cadence, so.Busy)
	}
	for i := range hpa.Sources {
		if a, b := &hpa.Sources[i], &so.Sources[i]; a.Kind != b.Kind || a.Resource != b.Resource || a.Container != b.Container {
			return fmt.Errorf("metric %d of the HPA is %s of %s, trigger %d of the ScaledObject %s of %s", i, a.Kind, a.Signal, i, b.Kind, b.Signal)
		}
	}
	return nil
}
