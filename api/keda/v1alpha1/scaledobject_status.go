package v1alpha1

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// CompositeMetricName is the name of the metric that a formula makes.
const CompositeMetricName = "composite-metric"

// ScaledObjectStatus is what the operator last saw and did.
type ScaledObjectStatus struct {
	// The kind of the workload, as group/version.Kind.
	// +optional
	ScaleTargetKind string `json:"scaleTargetKind,omitempty"`
	// The kind and resource of the workload.
	// +optional
	ScaleTargetGVKR *GroupVersionKindResource `json:"scaleTargetGVKR,omitempty"`
	// The size of the workload when this object came.
	// +optional
	OriginalReplicaCount *int32 `json:"originalReplicaCount,omitempty"`
	// When a trigger was last active.
	// +optional
	LastActiveTime *metav1.Time `json:"lastActiveTime,omitempty"`
	// The names of the triggers' metrics.
	// +optional
	ExternalMetricNames []string `json:"externalMetricNames,omitempty"`
	// The names of the resources that cpu and memory triggers read.
	// +optional
	ResourceMetricNames []string `json:"resourceMetricNames,omitempty"`
	// The name of the formula's metric.
	// +optional
	CompositeScalerName string `json:"compositeScalerName,omitempty"`
	// Whether the object is ready, active, in fallback, paused.
	// +optional
	Conditions Conditions `json:"conditions,omitempty"`
	// How often each metric failed in a row.
	// +optional
	Health map[string]HealthStatus `json:"health,omitempty"`
	// Whether each metric's trigger is active.
	// +optional
	TriggersActivity map[string]TriggerActivityStatus `json:"triggersActivity,omitempty"`
	// The size that the object is paused at.
	// +optional
	PausedReplicaCount *int32 `json:"pausedReplicaCount,omitempty"`
	// The name of the HorizontalPodAutoscaler, where one is made.
	// +optional
	HpaName string `json:"hpaName,omitempty"`
	// The types of the triggers, with commas between.
	// +optional
	TriggersTypes *string `json:"triggersTypes,omitempty"`
	// The names of the authentications of the triggers, with commas between.
	// +optional
	AuthenticationsTypes *string `json:"authenticationsTypes,omitempty"`
}

// HealthStatus is how well one metric could be read of late.
type HealthStatus struct {
	// Failures in a row.
	// +optional
	NumberOfFailures *int32 `json:"numberOfFailures,omitempty"`
	// Happy or Failing.
	// +optional
	Status HealthStatusType `json:"status,omitempty"`
}

// HealthStatusType is Happy or Failing.
type HealthStatusType string

// Values of a metric's health.
const (
	// HealthStatusHappy: the last read gave a value.
	HealthStatusHappy HealthStatusType = "Happy"
	// HealthStatusFailing: the last read failed.
	HealthStatusFailing HealthStatusType = "Failing"
)

// TriggerActivityStatus is whether one metric's trigger is active.
type TriggerActivityStatus struct {
	// Whether it is active.
	// +optional
	IsActive bool `json:"isActive"`
}

// GroupVersionKindResource names a kind and its resource.
type GroupVersionKindResource struct {
	// Its group, empty for the core group.
	Group string `json:"group"`
	// Its version.
	Version string `json:"version"`
	// Its kind.
	Kind string `json:"kind"`
	// Its resource, such as deployments.
	Resource string `json:"resource"`
}

// GroupVersionKind returns the group, version and kind.
func (r GroupVersionKindResource) GroupVersionKind() schema.GroupVersionKind {
	return schema.GroupVersionKind{Group: r.Group, Version: r.Version, Kind: r.Kind}
}

// GroupResource returns the group and resource.
func (r GroupVersionKindResource) GroupResource() schema.GroupResource {
	return schema.GroupResource{Group: r.Group, Resource: r.Resource}
}

// GVKString returns group/version.Kind, as status.scaleTargetKind shows it.
func (r GroupVersionKindResource) GVKString() string {
	return r.Group + "/" + r.Version + "." + r.Kind
}
