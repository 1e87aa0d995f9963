package kube

import (
	"context"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

// AutoscalerComponent is the source of events about HPA objects: upstream's
// name, so that what users filter by keeps working.
const AutoscalerComponent = "horizontal-pod-autoscaler"

// KedaComponent is the source of events about objects of keda.sh in KEDA's words.
const KedaComponent = "keda-operator"

// Events sends events to the API server, aggregated and without blocking.
type Events struct {
	broadcaster record.EventBroadcaster
	autoscaler  record.EventRecorder
	keda        record.EventRecorder
	ours        record.EventRecorder
}

// NewEvents sends through the client until [Events.Close].
func NewEvents(ctx context.Context, c kubernetes.Interface) *Events {
	b := record.NewBroadcaster(record.WithContext(ctx))
	b.StartRecordingToSink(&typedcore.EventSinkImpl{Interface: c.CoreV1().Events(corev1.NamespaceAll)})
	return &Events{
		broadcaster: b,
		autoscaler:  b.NewRecorder(scheme.Scheme, corev1.EventSource{Component: AutoscalerComponent}),
		keda:        b.NewRecorder(scheme.Scheme, corev1.EventSource{Component: KedaComponent}),
		ours:        b.NewRecorder(scheme.Scheme, corev1.EventSource{Component: FieldManager}),
	}
}

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

// Close sends what is waiting and ends.
func (e *Events) Close() { e.broadcaster.Shutdown() }
