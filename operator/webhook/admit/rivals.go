package admit

import (
	"fmt"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// observes says that Furl only watches for an object: it is in nobody's way.
func observes(o metav1.Object) bool {
	return o.GetAnnotations()[api.AnnotationMode] == api.ModeObserve
}

// rivals refuses a second owner of one workload.
func (r *Rules) rivals(s *subject) {
	target := targetOf(s.ScaledObject)
	if err := r.Workloads.Resolve(target.APIVersion, target.Kind); err != nil {
		s.refuse(UnknownKind, fmt.Sprintf("scaleTargetRef: %s: install its definition first, or correct apiVersion and kind", err))
		return
	}
	if observes(s.ScaledObject) {
		return
	}
	for _, other := range r.Neighbours.ScaledObjects(s.Namespace) {
		if other.Name == s.Name || other.DeletionTimestamp != nil || observes(other) {
			continue
		}
		switch {
		case same(targetOf(other), target):
			s.refuse(OtherObject, owned(target, v1alpha1.KindScaledObject, other.Name))
		case other.HPAName() == s.HPAName():
			s.refuse(OtherObjectsHPA, fmt.Sprintf("the HPA '%s' is already managed by the ScaledObject '%s'", s.HPAName(), other.Name))
		}
	}
	for _, h := range r.Neighbours.Autoscalers(s.Namespace) {
		r.beside(s, h, target)
	}
}

// beside refuses an object whose workload an HPA scales that is not its own.
func (*Rules) beside(s *subject, h *autoscalingv2.HorizontalPodAutoscaler, target kube.Target) {
	switch {
	case !same(kube.TargetOf(h.Namespace, h.Spec.ScaleTargetRef), target):
	case h.DeletionTimestamp != nil || sharesWorkload(h) || isOf(h, s.Name) || s.Annotations[api.AnnotationAdopts] == h.Name:
	case s.Annotations[v1alpha1.AnnotationTransferHPA] != "true":
		s.refuse(OtherHPA, owned(target, "hpa", h.Name))
	case s.HPAName() != h.Name:
		s.refuse(TransferWithout, fmt.Sprintf(
			"the existing hpa '%s' for workload '%s' must be named in spec.advanced.horizontalPodAutoscalerConfig.name to be taken over", h.Name, target.Name))
	}
}

// Autoscaler judges an HPA that is made, or changed from old. What the API
// server itself refuses is not looked at.
func (r *Rules) Autoscaler(h, old *autoscalingv2.HorizontalPodAutoscaler) Answer {
	var a Answer
	if old == nil || !sameText(old.Annotations, h.Annotations) {
		a.annotated(h)
	}
	if observes(h) || sharesWorkload(h) || old != nil && old.Spec.ScaleTargetRef == h.Spec.ScaleTargetRef && sameText(old.Annotations, h.Annotations) {
		return a
	}
	target := kube.TargetOf(h.Namespace, h.Spec.ScaleTargetRef)
	for _, o := range r.Neighbours.ScaledObjects(h.Namespace) {
		takes := o.Annotations[v1alpha1.AnnotationTransferHPA] == "true" && o.HPAName() == h.Name || o.Annotations[api.AnnotationAdopts] == h.Name
		if same(targetOf(o), target) && o.DeletionTimestamp == nil && !observes(o) && !isOf(h, o.Name) && !takes {
			a.refuse(OtherObject, owned(target, v1alpha1.KindScaledObject, o.Name)+": change that one, or remove it first")
		}
	}
	for _, other := range r.Neighbours.Autoscalers(h.Namespace) {
		if other.Name != h.Name && other.DeletionTimestamp == nil && same(kube.TargetOf(other.Namespace, other.Spec.ScaleTargetRef), target) {
			a.warn(owned(target, "hpa", other.Name) + ": two of them undo each other's sizes")
		}
	}
	return a
}

// sharesWorkload says that an HPA does not mind a second owner.
func sharesWorkload(h *autoscalingv2.HorizontalPodAutoscaler) bool {
	return h.Annotations[v1alpha1.AnnotationHPAOwnership] == "false"
}

// isOf says that an HPA was made for a ScaledObject.
func isOf(h *autoscalingv2.HorizontalPodAutoscaler, object string) bool {
	for _, owner := range h.OwnerReferences {
		if owner.Kind == v1alpha1.KindScaledObject && owner.Name == object {
			return true
		}
	}
	return false
}

// owned is KEDA's sentence about a workload that is another's.
func owned(t kube.Target, kind, name string) string {
	return fmt.Sprintf("the workload '%s' of type '%s.%s' is already managed by the %s '%s'", t.Name, t.APIVersion, t.Kind, kind, name)
}

// same compares workloads by group, whatever the version.
func same(a, b kube.Target) bool {
	return a.Name == b.Name && a.Kind == b.Kind && a.Namespace == b.Namespace && group(a.APIVersion) == group(b.APIVersion)
}

func group(apiVersion string) string {
	gv, err := schema.ParseGroupVersion(apiVersion)
	if err != nil {
		return apiVersion
	}
	return gv.Group
}

// targetOf is what an object scales, with KEDA's defaults.
func targetOf(o *v1alpha1.ScaledObject) kube.Target {
	t := kube.Target{Namespace: o.Namespace, APIVersion: "apps/v1", Kind: "Deployment"}
	if ref := o.Spec.ScaleTargetRef; ref != nil {
		t.Name = ref.Name
		if ref.APIVersion != "" {
			t.APIVersion = ref.APIVersion
		}
		if ref.Kind != "" {
			t.Kind = ref.Kind
		}
	}
	return t
}
