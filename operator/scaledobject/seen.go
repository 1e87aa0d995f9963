package scaledobject

import (
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"k8s.io/apimachinery/pkg/types"
)

// Seen is a ScaledObject as the watch keeps it: without its field managers, of
// which only who wrote the status is left.
type Seen struct {
	Object *v1alpha1.ScaledObject
	// Keda is when KEDA's operator last changed the status; zero for never.
	Keda time.Time
}

// isKeda knows the field managers of KEDA's operator: the first part of its user agent.
func isKeda(manager string) bool { return manager == "keda" || manager == "keda-operator" }

// lastApplied is kubectl's copy of the whole object.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// Cut keeps of a ScaledObject what a controller needs. It may modify o.
func Cut(o *v1alpha1.ScaledObject) Seen {
	s := Seen{}
	for i := range o.ManagedFields {
		f := &o.ManagedFields[i]
		if f.Subresource != "status" || !isKeda(f.Manager) {
			continue
		}
		switch {
		case f.Time != nil && f.Time.After(s.Keda):
			s.Keda = f.Time.Time
		case s.Keda.IsZero():
			s.Keda = time.Unix(0, 0)
		}
	}
	o.ManagedFields = nil
	delete(o.Annotations, lastApplied)
	s.Object = o
	return s
}

func keyOf(o *v1alpha1.ScaledObject) types.NamespacedName {
	return types.NamespacedName{Namespace: o.Namespace, Name: o.Name}
}

// What a target is where the object does not say.
const (
	defaultVersion = "apps/v1"
	defaultKind    = "Deployment"
)

// targetOf is what an object scales.
func targetOf(o *v1alpha1.ScaledObject) kube.Target {
	t := kube.Target{Namespace: o.Namespace, APIVersion: defaultVersion, Kind: defaultKind}
	if r := o.Spec.ScaleTargetRef; r != nil {
		t.Name = r.Name
		if r.APIVersion != "" {
			t.APIVersion = r.APIVersion
		}
		if r.Kind != "" {
			t.Kind = r.Kind
		}
	}
	return t
}
