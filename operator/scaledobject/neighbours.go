package scaledobject

import "github.com/furl-dev/furl/api/keda/v1alpha1"

// In returns the ScaledObjects of a namespace, in no order; they are not to be modified.
func (k *Controller) In(namespace string) []*v1alpha1.ScaledObject {
	var out []*v1alpha1.ScaledObject
	k.table.Each(func(s Seen) {
		if s.Object.Namespace == namespace {
			out = append(out, s.Object)
		}
	})
	return out
}
