package kube

import (
	"context"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record/util"
	"k8s.io/client-go/tools/reference"
)

// AutoscalerComponent is the source of events about HPA objects: upstream's
// name, so that what users filter by keeps working.
const AutoscalerComponent = "horizontal-pod-autoscaler"

// KedaComponent is the source of events about objects of keda.sh in KEDA's words.
const KedaComponent = "keda-operator"

// Events sends events to the API server, aggregated as client-go does it,
// without blocking and in order for each object.
type Events struct {
	post             *post
	clock            Clock
	autoscaler, keda voice
	ours             voice
}

// EventsConfig is what [Events] need.
type EventsConfig struct {
	// Client has limits of its own: telling takes nothing from acting.
	Client typedcore.EventsGetter
	Clock  Clock
	// Metrics is where the count of lost events is registered; nil keeps it.
	Metrics prometheus.Registerer
}

// NewEvents sends until [Events.Close]; the end of ctx does not lose what is
// waiting then.
func NewEvents(ctx context.Context, c EventsConfig) *Events {
	e := &Events{post: newPost(context.WithoutCancel(ctx), c), clock: c.Clock}
	e.autoscaler = voice{e, AutoscalerComponent}
	e.keda = voice{e, KedaComponent}
	e.ours = voice{e, FieldManager}
	return e
}

// Close sends what is waiting, for a short while, and ends.
func (e *Events) Close() { e.post.close() }

// Event tells users about an HPA in upstream's words.
func (e *Events) Event(h *autoscalingv2.HorizontalPodAutoscaler, kind, reason, message string) {
	e.autoscaler.Event(h, kind, reason, message)
}

// Own tells users about an HPA what only Furl would say.
func (e *Events) Own(h *autoscalingv2.HorizontalPodAutoscaler, kind, reason, message string) {
	e.ours.Event(h, kind, reason, message)
}

// ScaledObjectEvents are the events about ScaledObjects.
type ScaledObjectEvents struct{ *Events }

// Event tells users about a ScaledObject in KEDA's words.
func (e ScaledObjectEvents) Event(o *v1alpha1.ScaledObject, kind, reason, message string) {
	e.keda.Event(referenceTo(o), kind, reason, message)
}

// Own tells users about a ScaledObject what only Furl would say.
func (e ScaledObjectEvents) Own(o *v1alpha1.ScaledObject, kind, reason, message string) {
	e.ours.Event(referenceTo(o), kind, reason, message)
}

// referenceTo names an object that the scheme of the built-in kinds does not know.
func referenceTo(o *v1alpha1.ScaledObject) *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: v1alpha1.GroupVersion().String(), Kind: v1alpha1.KindScaledObject,
		Namespace: o.Namespace, Name: o.Name, UID: o.UID, ResourceVersion: o.ResourceVersion,
	}
}

// voice is in whose name an event speaks.
type voice struct {
	events    *Events
	component string
}

// Event tells about an object of a built-in kind, or about one by a reference.
func (v voice) Event(about runtime.Object, kind, reason, message string) {
	ref, err := reference.GetReference(scheme.Scheme, about)
	if err != nil {
		return // a kind without a name: a mistake of ours that a test would meet
	}
	now := v.events.clock.Now()
	namespace := ref.Namespace
	if namespace == "" {
		namespace = metav1.NamespaceDefault
	}
	v.events.post.send(&corev1.Event{
		ObjectMeta:     metav1.ObjectMeta{Name: util.GenerateEventName(ref.Name, now.UnixNano()), Namespace: namespace},
		InvolvedObject: *ref, Reason: reason, Message: message, Type: kind, Count: 1,
		FirstTimestamp: metav1.NewTime(now), LastTimestamp: metav1.NewTime(now),
		Source: corev1.EventSource{Component: v.component}, ReportingController: v.component,
	})
}
