// Package actuation is the other way to move a workload between one replica
// and many: the HPA object that KEDA would make of a ScaledObject, and what it
// is told of the object's metrics.
//
// Everything here is a function of objects and records; package scaledobject
// writes the HPAs, package metricsapi answers for the metrics.
package actuation

import (
	"cmp"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
)

// ByHPA tells whether an object's sizes from the minimum up are an HPA's,
// where an object that does not say follows the operator's setting.
func ByHPA(o *v1alpha1.ScaledObject, setting string) bool {
	return cmp.Or(o.Annotations[api.AnnotationActuation], setting) == api.ActuationHPA
}
