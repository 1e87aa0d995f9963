package v1alpha1

import (
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScaledObject scales anything with a scale subresource by what its triggers measure.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=scaledobjects,scope=Namespaced,shortName=so
// +kubebuilder:printcolumn:name="ScaleTargetKind",type="string",JSONPath=".status.scaleTargetKind"
// +kubebuilder:printcolumn:name="ScaleTargetName",type="string",JSONPath=".spec.scaleTargetRef.name"
// +kubebuilder:printcolumn:name="Min",type="integer",JSONPath=".spec.minReplicaCount"
// +kubebuilder:printcolumn:name="Max",type="integer",JSONPath=".spec.maxReplicaCount"
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Active",type="string",JSONPath=".status.conditions[?(@.type==\"Active\")].status"
// +kubebuilder:printcolumn:name="Fallback",type="string",JSONPath=".status.conditions[?(@.type==\"Fallback\")].status"
// +kubebuilder:printcolumn:name="Paused",type="string",JSONPath=".status.conditions[?(@.type==\"Paused\")].status"
// +kubebuilder:printcolumn:name="Triggers",type="string",JSONPath=".status.triggersTypes"
// +kubebuilder:printcolumn:name="Authentications",type="string",JSONPath=".status.authenticationsTypes"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type ScaledObject struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// What to scale, between which bounds, by which triggers.
	Spec ScaledObjectSpec `json:"spec"`
	// What the operator last saw and did.
	// +optional
	Status ScaledObjectStatus `json:"status,omitempty"`
}

// ScaledObjectList is a list of ScaledObjects.
//
// +kubebuilder:object:root=true
type ScaledObjectList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata"`
	Items           []ScaledObject `json:"items"`
}

// ScaledObjectSpec says what to scale, between which bounds, by which triggers.
//
// +kubebuilder:validation:XValidation:rule="!has(self.minReplicaCount) || self.minReplicaCount <= (has(self.maxReplicaCount) ? self.maxReplicaCount : 100)",message="minReplicaCount must be less than or equal to maxReplicaCount"
type ScaledObjectSpec struct {
	// The workload to scale, in the same namespace.
	ScaleTargetRef *ScaleTarget `json:"scaleTargetRef"`
	// Seconds between two reads of a trigger; 30 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=1
	PollingInterval *int32 `json:"pollingInterval,omitempty"`
	// Seconds after creation before an object that was never active may go to zero.
	// +optional
	// +kubebuilder:validation:Minimum=0
	InitialCooldownPeriod *int32 `json:"initialCooldownPeriod,omitempty"`
	// Seconds since the last activity before the workload goes to zero or idle; 300 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=0
	CooldownPeriod *int32 `json:"cooldownPeriod,omitempty"`
	// Replicas while no trigger is active, fewer than minReplicaCount.
	// +optional
	// +kubebuilder:validation:Minimum=0
	IdleReplicaCount *int32 `json:"idleReplicaCount,omitempty"`
	// The least number of replicas; 0 if unset, which lets the workload go to zero.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinReplicaCount *int32 `json:"minReplicaCount,omitempty"`
	// The greatest number of replicas; 100 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxReplicaCount *int32 `json:"maxReplicaCount,omitempty"`
	// Formula, behavior and what happens on deletion.
	// +optional
	Advanced *AdvancedConfig `json:"advanced,omitempty"`
	// What is measured. The workload gets the largest size that any of them asks for.
	// +kubebuilder:validation:MinItems=1
	Triggers []ScaleTriggers `json:"triggers"`
	// The size while a trigger cannot be read.
	// +optional
	Fallback *Fallback `json:"fallback,omitempty"`
}

// ScaleTarget names the workload to scale.
type ScaleTarget struct {
	// Its name.
	// +kubebuilder:validation:MinLength=1
	Name string `json:"name"`
	// Its API version; apps/v1 if unset.
	// +optional
	APIVersion string `json:"apiVersion,omitempty"`
	// Its kind; Deployment if unset.
	// +optional
	Kind string `json:"kind,omitempty"`
	// The container whose environment triggers may read; the first if unset.
	// +optional
	EnvSourceContainerName string `json:"envSourceContainerName,omitempty"`
}

// Fallback is the size for a trigger that cannot be read.
type Fallback struct {
	// The fallback speaks when a trigger failed more often than this in a row.
	// +kubebuilder:validation:Minimum=0
	FailureThreshold int32 `json:"failureThreshold"`
	// The number of replicas to fall back to.
	// +kubebuilder:validation:Minimum=0
	Replicas int32 `json:"replicas"`
	// How replicas is combined with the current size.
	// +optional
	// +kubebuilder:default=static
	// +kubebuilder:validation:Enum=static;currentReplicas;currentReplicasIfHigher;currentReplicasIfLower;scalingModifiers
	Behavior string `json:"behavior,omitempty"`
}

// Values of a fallback's behavior.
const (
	// FallbackBehaviorStatic takes replicas.
	FallbackBehaviorStatic = "static"
	// FallbackBehaviorCurrentReplicas keeps the current size.
	FallbackBehaviorCurrentReplicas = "currentReplicas"
	// FallbackBehaviorCurrentReplicasIfHigher takes the larger of the current size and replicas.
	FallbackBehaviorCurrentReplicasIfHigher = "currentReplicasIfHigher"
	// FallbackBehaviorCurrentReplicasIfLower takes the smaller of the current size and replicas.
	FallbackBehaviorCurrentReplicasIfLower = "currentReplicasIfLower"
	// FallbackBehaviorScalingModifiers gives the formula nil for a trigger that failed.
	FallbackBehaviorScalingModifiers = "scalingModifiers"
)

// AdvancedConfig holds what most objects do without.
type AdvancedConfig struct {
	// How fast the size may change, as in a HorizontalPodAutoscaler.
	// +optional
	HorizontalPodAutoscalerConfig *HorizontalPodAutoscalerConfig `json:"horizontalPodAutoscalerConfig,omitempty"`
	// Whether deleting this object gives the workload the size it had before.
	// +optional
	RestoreToOriginalReplicaCount bool `json:"restoreToOriginalReplicaCount,omitempty"`
	// One formula over all triggers instead of the largest answer.
	// +optional
	ScalingModifiers ScalingModifiers `json:"scalingModifiers,omitempty"`
}

// HorizontalPodAutoscalerConfig says how fast the size may change.
type HorizontalPodAutoscalerConfig struct {
	// Windows and policies of both directions.
	// +optional
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior,omitempty"`
	// The name of the HorizontalPodAutoscaler, where one is made; keda-hpa-NAME if unset.
	// +optional
	Name string `json:"name,omitempty"`
}

// ScalingModifiers makes one number of all triggers.
type ScalingModifiers struct {
	// An expression over the triggers' names.
	Formula string `json:"formula,omitempty"`
	// What the formula's value is compared with.
	Target string `json:"target,omitempty"`
	// The workload is active while the formula's value is above this; 0 if unset.
	// +optional
	ActivationTarget string `json:"activationTarget,omitempty"`
	// Whether the value is one a replica (AverageValue, if unset) or of all of them (Value).
	// +optional
	// +kubebuilder:validation:Enum=AverageValue;Value
	MetricType autoscalingv2.MetricTargetType `json:"metricType,omitempty"`
}
