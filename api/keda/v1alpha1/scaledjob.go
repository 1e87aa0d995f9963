package v1alpha1

import (
	batchv1 "k8s.io/api/batch/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ScaledJob starts Jobs by what its triggers measure.
//
// +kubebuilder:object:root=true
// +kubebuilder:subresource:status
// +kubebuilder:resource:path=scaledjobs,scope=Namespaced,shortName=sj
// +kubebuilder:printcolumn:name="Min",type="integer",JSONPath=".spec.minReplicaCount"
// +kubebuilder:printcolumn:name="Max",type="integer",JSONPath=".spec.maxReplicaCount"
// +kubebuilder:printcolumn:name="Ready",type="string",JSONPath=".status.conditions[?(@.type==\"Ready\")].status"
// +kubebuilder:printcolumn:name="Active",type="string",JSONPath=".status.conditions[?(@.type==\"Active\")].status"
// +kubebuilder:printcolumn:name="Paused",type="string",JSONPath=".status.conditions[?(@.type==\"Paused\")].status"
// +kubebuilder:printcolumn:name="Triggers",type="string",JSONPath=".status.triggersTypes"
// +kubebuilder:printcolumn:name="Authentications",type="string",JSONPath=".status.authenticationsTypes"
// +kubebuilder:printcolumn:name="Age",type="date",JSONPath=".metadata.creationTimestamp"
type ScaledJob struct {
	metav1.TypeMeta   `json:",inline"`
	metav1.ObjectMeta `json:"metadata,omitempty"`

	// Which Jobs to start, how many, by which triggers.
	Spec ScaledJobSpec `json:"spec,omitempty"`
	// What the operator last saw and did.
	Status ScaledJobStatus `json:"status,omitempty"`
}

// ScaledJobList is a list of ScaledJobs.
//
// +kubebuilder:object:root=true
type ScaledJobList struct {
	metav1.TypeMeta `json:",inline"`
	metav1.ListMeta `json:"metadata,omitempty"`
	Items           []ScaledJob `json:"items"`
}

// ScaledJobSpec says which Jobs to start, how many, by which triggers.
type ScaledJobSpec struct {
	// The Job to start.
	JobTargetRef *batchv1.JobSpec `json:"jobTargetRef"`
	// Seconds between two reads of a trigger; 30 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=1
	PollingInterval *int32 `json:"pollingInterval,omitempty"`
	// How many Jobs that succeeded are kept; 100 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=0
	SuccessfulJobsHistoryLimit *int32 `json:"successfulJobsHistoryLimit,omitempty"`
	// How many Jobs that failed are kept; 100 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=0
	FailedJobsHistoryLimit *int32 `json:"failedJobsHistoryLimit,omitempty"`
	// Deprecated: the older place of rollout.strategy.
	// +optional
	// +kubebuilder:validation:Enum=gradual;immediate
	RolloutStrategy string `json:"rolloutStrategy,omitempty"`
	// What happens to running Jobs when this object changes.
	// +optional
	Rollout Rollout `json:"rollout,omitempty"`
	// The container whose environment triggers may read; the first if unset.
	// +optional
	EnvSourceContainerName string `json:"envSourceContainerName,omitempty"`
	// The least number of running Jobs; 0 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=0
	MinReplicaCount *int32 `json:"minReplicaCount,omitempty"`
	// The greatest number of running Jobs; 100 if unset.
	// +optional
	// +kubebuilder:validation:Minimum=1
	MaxReplicaCount *int32 `json:"maxReplicaCount,omitempty"`
	// How the number of Jobs follows from what is measured.
	// +optional
	ScalingStrategy ScalingStrategy `json:"scalingStrategy,omitempty"`
	// What is measured.
	// +kubebuilder:validation:MinItems=1
	Triggers []ScaleTriggers `json:"triggers"`
}

// ScalingStrategy says how the number of Jobs follows from what is measured.
type ScalingStrategy struct {
	// default, custom, accurate or eager.
	// +optional
	// +kubebuilder:validation:Enum=default;custom;accurate;eager
	Strategy string `json:"strategy,omitempty"`
	// Of the strategy custom: subtracted from the length of the queue.
	// +optional
	CustomScalingQueueLengthDeduction *int32 `json:"customScalingQueueLengthDeduction,omitempty"`
	// Of the strategy custom: the share of the running Jobs to subtract, such as "0.5".
	// +optional
	CustomScalingRunningJobPercentage string `json:"customScalingRunningJobPercentage,omitempty"`
	// A Job is pending until a pod of it has all these conditions.
	// +optional
	PendingPodConditions []string `json:"pendingPodConditions,omitempty"`
	// How several triggers are combined; max if unset.
	// +optional
	// +kubebuilder:validation:Enum=min;avg;sum;max
	MultipleScalersCalculation string `json:"multipleScalersCalculation,omitempty"`
}

// Rollout says what happens to running Jobs when a ScaledJob changes.
type Rollout struct {
	// immediate deletes them (if unset), gradual lets them finish.
	// +optional
	// +kubebuilder:validation:Enum=gradual;immediate
	Strategy string `json:"strategy,omitempty"`
	// Whether their pods go before them (foreground) or after (background, if unset).
	// +optional
	// +kubebuilder:validation:Enum=foreground;background
	PropagationPolicy string `json:"propagationPolicy,omitempty"`
}

// ScaledJobStatus is what the operator last saw and did.
type ScaledJobStatus struct {
	// When a trigger was last active.
	// +optional
	LastActiveTime *metav1.Time `json:"lastActiveTime,omitempty"`
	// Whether the object is ready, active, paused.
	// +optional
	Conditions Conditions `json:"conditions,omitempty"`
	// Not used.
	// +optional
	Paused string `json:"Paused,omitempty"`
	// The types of the triggers, with commas between.
	// +optional
	TriggersTypes *string `json:"triggersTypes,omitempty"`
	// The names of the authentications of the triggers, with commas between.
	// +optional
	AuthenticationsTypes *string `json:"authenticationsTypes,omitempty"`
	// The names of the triggers' metrics.
	// +optional
	ExternalMetricNames []string `json:"externalMetricNames,omitempty"`
	// Whether each metric's trigger is active.
	// +optional
	TriggersActivity map[string]TriggerActivityStatus `json:"triggersActivity,omitempty"`
}
