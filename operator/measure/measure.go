// Package measure sees the pods of one workload: which they are, whether they
// are ready, and what they use of cpu and memory.
package measure

import (
	"context"
	"time"

	"github.com/furl-dev/furl/kube"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Measure is one pod's value of one metric.
type Measure struct {
	// Pod is the pod's name.
	Pod string
	// Value is in milli-units.
	Value  int64
	At     time.Time
	Window time.Duration
	// Missing is why there is no value. Empty: there is one.
	Missing string
	// Trusted says not to judge the value by the age of At: it was asked for
	// just now, and a metrics adapter may date its answers as it likes.
	Trusted bool
}

// ResourceQuery asks for a resource of the pods of one selector.
type ResourceQuery struct {
	Namespace string
	Selector  labels.Selector
	Resource  corev1.ResourceName
	// Container is the only container to measure; empty sums over all.
	Container string
}

// Resources are the pods' CPU and memory. Measures appends to dst one measure
// a pod that has a value, and may append one with a reason for a pod that has
// none. It may append measures of pods that are not in pods.
type Resources interface {
	Measures(ctx context.Context, q ResourceQuery, pods []*kube.Pod, dst []Measure) ([]Measure, error)
}
