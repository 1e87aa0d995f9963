package operator

import (
	"context"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/trigger"
	"k8s.io/apimachinery/pkg/types"
)

// inputs give triggers what they refer to.
type inputs struct{}

// Input implements scaledobject.Inputs.
func (inputs) Input(_ context.Context, o *v1alpha1.ScaledObject, i int) (trigger.Input, error) {
	t := &o.Spec.Triggers[i]
	in := trigger.Input{
		Index: i, Name: t.Name, Namespace: o.Namespace, MetricType: string(t.MetricType), Metadata: t.Metadata,
	}
	if t.AuthenticationRef != nil {
		return in, fmt.Errorf("trigger %d (%s): authenticationRef is not supported yet: remove it", i, t.Type)
	}
	return in, nil
}

// Forget implements scaledobject.Inputs.
func (inputs) Forget(types.NamespacedName) {}
