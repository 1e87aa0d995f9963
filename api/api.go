// Package api holds the words that users type and read: annotations, modes and reasons.
package api

// Annotations of Furl on any object it scales for.
const (
	// AnnotationMode set to [ModeObserve] makes Furl decide and record, and write nothing.
	AnnotationMode = "furl.dev/mode"
	// AnnotationCadence is a duration such as 15s: the least time between two
	// decisions. 15s gives upstream's rhythm; absent, every sample is decided on.
	AnnotationCadence = "furl.dev/cadence"
	// AnnotationScaleToZero set to [ScaleToZeroByBehavior] makes the last step to
	// zero honour the scale-down policy; absent, a ScaledObject whose cooldown has
	// passed goes straight to zero, as with KEDA.
	AnnotationScaleToZero = "furl.dev/scale-to-zero"
	// AnnotationActuation is [ActuationDirect] or [ActuationHPA]: who moves a
	// ScaledObject's workload between one replica and many. Absent, the operator's
	// --actuation speaks.
	AnnotationActuation = "furl.dev/actuation"
	// AnnotationBusy says where a pod tells how much it has in hand, such as
	// http://:9090/metrics#inference_in_flight or condition/Busy, so that idle pods
	// go first when the workload shrinks. It stands on the pods, by their template,
	// or on the object that scales them, which then speaks for all.
	AnnotationBusy = "furl.dev/busy"
	// AnnotationAdopts on a ScaledObject is the name of the HorizontalPodAutoscaler
	// that it replaces. While that scales the workload the object only
	// observes; the moment it is gone, the object scales.
	AnnotationAdopts = "furl.dev/adopts"
	// AnnotationAdopted on a ScaledObject keeps the HorizontalPodAutoscaler that it
	// replaced, as JSON, for the way back.
	AnnotationAdopted = "furl.dev/adopted-hpa"
)

// ScaleToZeroByBehavior goes to zero by the scale-down policy.
const ScaleToZeroByBehavior = "by-behavior"

// Who moves a workload between one replica and many.
const (
	// ActuationDirect is Furl itself, by /scale.
	ActuationDirect = "direct"
	// ActuationHPA is an HPA object that Furl makes as KEDA does, and whoever
	// serves HPAs; Furl goes on waking the workload and letting it rest.
	ActuationHPA = "hpa"
)

// ModeObserve decides and records only.
const ModeObserve = "observe"

// FreezeName is the name of the ConfigMap that stops all writes of sizes for as
// long as it exists: in Furl's own namespace for the whole cluster, in any other
// for that namespace. Its data may say who, why, since when and until when.
const FreezeName = "furl-freeze"

// What the data of [FreezeName] may say; instants are in RFC 3339.
const (
	FreezeBy     = "by"
	FreezeReason = "reason"
	FreezeSince  = "since"
	FreezeUntil  = "until"
)

// ReasonFrozen is the reason of conditions and events while a freeze is in force;
// ReasonUnfrozen is that of the event when it ends.
const (
	ReasonFrozen   = "Frozen"
	ReasonUnfrozen = "Unfrozen"
)

// Annotations lists the annotations of Furl that users write.
func Annotations() []string {
	return []string{AnnotationMode, AnnotationCadence, AnnotationScaleToZero, AnnotationActuation, AnnotationBusy, AnnotationAdopts, AnnotationAdopted}
}
