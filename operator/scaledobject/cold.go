package scaledobject

import (
	"context"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
)

// isCold says that pods have had no time yet to be measured since the start.
// An object that looks at them would be told that they use nothing anybody knows of.
func (k *Controller) isCold() bool {
	if k.ports.Measured == nil {
		return false
	}
	select {
	case <-k.ports.Measured:
		return false
	default:
		return true
	}
}

// measuresPods says that a trigger of an object is read with the pods.
func (k *Controller) measuresPods(o *v1alpha1.ScaledObject) bool {
	if o.IsPaused() {
		return false // nothing is read
	}
	for i := range o.Spec.Triggers {
		if kind, known := k.ports.Kinds(o.Spec.Triggers[i].Type); known && kind.Resource {
			return true
		}
	}
	return false
}

// thaw gives those that waited for measurements their turns.
func (k *Controller) thaw(ctx context.Context) {
	if !k.isCold() {
		return
	}
	select {
	case <-k.ports.Measured:
	case <-ctx.Done():
		return
	}
	for _, s := range k.table.Rows() {
		if k.measuresPods(s.Object) {
			k.turns.WakeWithin(keyOf(s.Object), startSpread)
		}
	}
}
