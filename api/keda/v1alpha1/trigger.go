package v1alpha1

import autoscalingv2 "k8s.io/api/autoscaling/v2"

// ScaleTriggers is one thing to measure.
type ScaleTriggers struct {
	// What kind of source it is, such as aws-sqs-queue.
	// +kubebuilder:validation:MinLength=1
	Type string `json:"type"`
	// Its name in a formula, unique within the object.
	// +optional
	Name string `json:"name,omitempty"`
	// Whether readers of the metric get the last poll's value.
	UseCachedMetrics bool `json:"useCachedMetrics,omitempty"`
	// Its settings, all of them strings.
	Metadata map[string]string `json:"metadata"`
	// Where its credentials come from.
	// +optional
	AuthenticationRef *AuthenticationRef `json:"authenticationRef,omitempty"`
	// AverageValue (if unset), Value or Utilization.
	// +optional
	MetricType autoscalingv2.MetricTargetType `json:"metricType,omitempty"`
}

// AuthenticationRef names where a trigger's credentials come from.
type AuthenticationRef struct {
	// Its name.
	Name string `json:"name"`
	// Its kind; TriggerAuthentication if unset.
	// +optional
	// +kubebuilder:validation:Enum=TriggerAuthentication;ClusterTriggerAuthentication
	Kind string `json:"kind,omitempty"`
}
