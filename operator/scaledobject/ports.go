package scaledobject

import (
	"context"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/types"
)

// Ports are what one turn of a ScaledObject touches: everything outside it
// stands behind one of these.
type Ports struct {
	Scales Scales
	// Pods is the index of pods and of what each object selects.
	Pods *kube.Pods
	// Resources measures pods for cpu and memory triggers; ResourcesPolled says
	// that asking it is a request.
	Resources       measure.Resources
	ResourcesPolled bool
	// Measured is closed when pods have had the time to be measured since the
	// start: objects with cpu or memory triggers wait for it. Nil: nobody waits.
	Measured <-chan struct{}
	// Inputs gives triggers what they refer to, Kinds what their types are.
	Inputs Inputs
	Kinds  func(name string) (trigger.Kind, bool)
	// Sources reads triggers.
	Sources Sources
	Objects Objects
	Events  Events
	// Records keeps decisions; nil keeps none.
	Records Records
	// Closed says why no size of a namespace may be written now; empty: it may. Nil: always.
	Closed func(namespace string) string
	// Autoscalers are the HPAs of objects whose sizes are an HPA's; nil has none.
	Autoscalers Autoscalers
	// MetricsAPI says why no HPA can be told of an object's metrics; nil where it
	// can. It looks into memory.
	MetricsAPI func() error
	// Keda is who may have scaled the objects before Furl.
	Keda Predecessor
	// Idle lets a workload that shrinks lose its idle pods first; nil leaves the
	// choice as it is.
	Idle Idle
}

// Scales are the sizes of workloads. Move fails with loop.ErrMoved when the
// size is no longer the one it was decided from.
type Scales interface {
	Get(ctx context.Context, t kube.Target) (kube.Scale, error)
	Move(ctx context.Context, s kube.Scale, replicas int32) error
}

// Autoscalers are the HPA objects of the cluster.
type Autoscalers interface {
	// Get returns an HPA as it was last seen, nil for none, and whether Furl has
	// written its spec. The object is not the caller's to change.
	Get(key types.NamespacedName) (h *autoscalingv2.HorizontalPodAutoscaler, ours bool)
	// Create and Update return the HPA as stored; an update of an older state is a conflict.
	Create(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error)
	Update(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error)
	// Delete deletes this HPA and no later one of its name; one that is gone is no error.
	Delete(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) error
}

// Inputs are what triggers refer to: authentications, the environment of a
// container, who the source should be towards a cloud.
type Inputs interface {
	// Input returns what trigger i of an object says, with all that it refers to
	// filled in. From then on Changed of the controller is called when that changes.
	Input(ctx context.Context, o *v1alpha1.ScaledObject, i int) (trigger.Input, error)
	// Forget gives up what is watched for an object.
	Forget(key types.NamespacedName)
}

// Sources reads triggers; *pool.Pool is one.
type Sources interface {
	Use(owner string, c trigger.Config, every time.Duration, notify func()) *pool.Lease
	// Refresh reads all that an owner uses as soon as possible.
	Refresh(owner string)
}

// Objects writes ScaledObjects by JSON merge patch and returns them as stored;
// *kube.Keda is one.
type Objects interface {
	PatchScaledObject(ctx context.Context, key types.NamespacedName, status bool, body []byte) (*v1alpha1.ScaledObject, error)
}

// Events takes events about a ScaledObject: Event in KEDA's name, Own what
// only Furl would say. Neither blocks.
type Events interface {
	Event(o *v1alpha1.ScaledObject, kind, reason, message string)
	Own(o *v1alpha1.ScaledObject, kind, reason, message string)
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

// Settings are the same for all ScaledObjects.
type Settings struct {
	// Defaults speak where an object is silent.
	Defaults policy.Defaults
	// Actuation is direct or hpa, for objects that do not say; empty is direct.
	Actuation string
	// Version is that of the program, for the HPAs it makes.
	Version string
	// Decide is [engine.Decide] unless set.
	Decide loop.Decide
	// Observe decides about every object and writes nothing.
	Observe bool
	// Clock tells how long things took.
	Clock func() time.Time
	Meter *Meter
}
