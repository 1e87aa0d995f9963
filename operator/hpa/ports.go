package hpa

import (
	"context"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/record"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Ports are what one sync of an HPA touches: everything outside it stands
// behind one of these. The operator gives it a cluster, the conformance runner
// fakes.
type Ports struct {
	// Scales reads and writes sizes. *kube.Scales over a fake kube.Mapper and
	// kube.Endpoint is the fake.
	Scales Scales
	// Pods is the index of pods and of what each HPA selects; fill it with Put.
	Pods *kube.Pods
	// Resources, Custom and External are the three metrics APIs, at the level
	// of decoded values. An error's text is used as it is: the API's adapter
	// words it ("unable to fetch metrics from resource metrics API: ...").
	Resources Resources
	// ResourcesPolled says that reading Resources is a request, made at most
	// each 15 s for an HPA, and not a look into memory.
	ResourcesPolled bool
	Custom          Custom
	External        External
	// Status writes an HPA's status.
	Status StatusWriter
	// Events is told what users see in kubectl describe.
	Events Events
	// Records keeps decisions; nil keeps none.
	Records Records
	// Closed says why no size of a namespace may be written now; empty: it may. Nil: always.
	Closed func(namespace string) string
	// Idle lets a workload that shrinks lose its idle pods first; nil leaves the
	// choice as it is.
	Idle Idle
}

// Scales are the sizes of workloads.
type Scales interface {
	Get(ctx context.Context, t kube.Target) (kube.Scale, error)
	Set(ctx context.Context, s kube.Scale, replicas int32) error
}

// How the pods' CPU and memory are read is the same for every kind of object that scales.
type (
	// Measure is one pod's value of one metric.
	Measure = measure.Measure
	// ResourceQuery asks for a resource of the pods of one selector.
	ResourceQuery = measure.ResourceQuery
	// Resources are the pods' CPU and memory.
	Resources = measure.Resources
)

// PodsQuery asks for a custom metric of the pods of one selector.
type PodsQuery struct {
	Namespace string
	Pods      labels.Selector
	Metric    string
	Selector  labels.Selector
}

// ObjectQuery asks for a custom metric of one object. For the core kind
// Namespace the name is the HPA's own namespace.
type ObjectQuery struct {
	Namespace string
	Kind      schema.GroupKind
	Name      string
	Metric    string
	Selector  labels.Selector
}

// Custom is custom.metrics.k8s.io.
type Custom interface {
	PodMeasures(ctx context.Context, q PodsQuery, dst []Measure) ([]Measure, error)
	// ObjectValue returns milli-units and the instant of the measurement.
	ObjectValue(ctx context.Context, q ObjectQuery) (int64, time.Time, error)
}

// External is external.metrics.k8s.io: the values of all series, in milli-units.
type External interface {
	Values(ctx context.Context, namespace, metric string, selector labels.Selector) ([]int64, time.Time, error)
}

// StatusWriter writes the status of an HPA and returns the object as stored.
// It writes the status given, whatever else changed meanwhile.
type StatusWriter interface {
	WriteStatus(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error)
}

// Events takes an event about an HPA. It does not block.
type Events interface {
	Event(h *autoscalingv2.HorizontalPodAutoscaler, kind, reason, message string)
}

// Idle ranks the pods of a workload that is about to shrink, so that the idle
// ones go first. It takes seconds at the most; an error says what could not be
// done about it, and stops nobody. *busy.Ranker is one.
type Idle interface {
	Rank(ctx context.Context, s busy.Shrink) error
}

// Records keeps what was decided, by workload, until the workload is forgotten;
// *record.Book is one.
type Records interface {
	Keep(w record.Workload, r loop.Record)
	Forget(w record.Workload)
}
