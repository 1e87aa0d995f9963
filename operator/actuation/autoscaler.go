package actuation

import (
	"maps"
	"strings"
	"unicode"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// The labels that KEDA gives to its HPAs, beside those of the object. Users
// select by them, so the manager stays KEDA's.
const (
	labelName      = "app.kubernetes.io/name"
	labelVersion   = "app.kubernetes.io/version"
	labelPartOf    = "app.kubernetes.io/part-of"
	labelManagedBy = "app.kubernetes.io/managed-by"
	managedBy      = "keda-operator"
)

// Autoscaler is the HPA of an object that was compiled, scaling a workload of
// the given kind, as KEDA makes it. Version is that of the program. It fails
// where there is nothing that an HPA could measure.
func Autoscaler(o *v1alpha1.ScaledObject, c *policy.Compiled, target schema.GroupVersionKind, version string) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	specs, err := metrics(o, c)
	if err != nil {
		return nil, err
	}
	h := &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: o.Namespace, Name: o.HPAName(),
			Labels: labels(o, version), Annotations: maps.Clone(o.Annotations),
			OwnerReferences: []metav1.OwnerReference{*metav1.NewControllerRef(o, v1alpha1.GroupVersion().WithKind(v1alpha1.KindScaledObject))},
		},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{
				APIVersion: target.GroupVersion().String(), Kind: target.Kind, Name: o.Spec.ScaleTargetRef.Name,
			},
			MinReplicas: new(o.HPAMinReplicas()), MaxReplicas: o.MaxReplicas(),
			Metrics: specs, Behavior: policy.BehaviorOf(o),
		},
	}
	return h, nil
}

// labels are KEDA's and the object's own, which win, but for those that the
// object excludes. The one that routes requests for metrics is always there:
// KEDA writes it on the object first.
func labels(o *v1alpha1.ScaledObject, version string) map[string]string {
	all := map[string]string{
		labelName: labelValue(o.HPAName()), labelVersion: labelValue(version), labelPartOf: o.Name, labelManagedBy: managedBy,
	}
	own := maps.Clone(o.Labels)
	if own == nil {
		own = map[string]string{}
	}
	own[v1alpha1.LabelScaledObject] = o.Name
	for name := range strings.SplitSeq(o.Annotations[v1alpha1.AnnotationHPAExcludedLabels], ",") {
		delete(own, name)
	}
	maps.Copy(all, own)
	return all
}

// longestLabel is how long the value of a label may be.
const longestLabel = 63

// labelValue makes a text fit into a label: what cannot stand in one becomes a dash.
func labelValue(text string) string {
	fit := strings.Map(func(r rune) rune {
		if r < unicode.MaxASCII && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.", r)) {
			return r
		}
		return '-'
	}, text)
	return strings.Trim(fit[:min(len(fit), longestLabel)], "-_.")
}

// Owns tells whether an HPA belongs to an object.
func Owns(o *v1alpha1.ScaledObject, h *autoscalingv2.HorizontalPodAutoscaler) bool {
	return h.Namespace == o.Namespace && metav1.IsControlledBy(h, o)
}
