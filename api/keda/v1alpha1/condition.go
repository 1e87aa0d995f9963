package v1alpha1

import (
	"slices"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// ConditionType names a condition.
type ConditionType string

// The conditions of a ScaledObject or ScaledJob.
const (
	// ConditionReady: it is defined well and its triggers can be read.
	ConditionReady ConditionType = "Ready"
	// ConditionActive: a trigger asks for replicas.
	ConditionActive ConditionType = "Active"
	// ConditionFallback: a trigger cannot be read and the fallback speaks for it.
	ConditionFallback ConditionType = "Fallback"
	// ConditionPaused: an annotation freezes the size, or one direction of it.
	ConditionPaused ConditionType = "Paused"
	// ConditionHPAActive: the HorizontalPodAutoscaler of the object can scale. A
	// ScaledObject gets it once there is one; a ScaledJob never.
	ConditionHPAActive ConditionType = "HPAActive"
)

// Reasons of conditions.
const (
	ReasonScaledObjectReady       = "ScaledObjectReady"
	ReasonScaledObjectCheckFailed = "ScaledObjectCheckFailed"
	ReasonScaledObjectPaused      = "ScaledObjectPaused"
	ReasonScaledObjectUnpaused    = "ScaledObjectUnpaused"
	ReasonScaledJobReady          = "ScaledJobReady"
	ReasonScaledJobCheckFailed    = "ScaledJobCheckFailed"
	ReasonScaledJobPaused         = "ScaledJobPaused"
	ReasonScaledJobUnpaused       = "ScaledJobUnpaused"

	// ReasonReplicasUnknown: the size of the workload cannot be read.
	ReasonReplicasUnknown = "ErrorGettingCurrentReplicas"
	// ReasonErrorScalingTarget: the size of the workload cannot be written.
	ReasonErrorScalingTarget = "ErrorScalingTarget"
	// ReasonPartialTriggerError: some triggers cannot be read, another is active.
	ReasonPartialTriggerError = "PartialTriggerError"
	// ReasonTriggerError: a trigger cannot be read and none is active.
	ReasonTriggerError = "TriggerError"

	ReasonScalerActive    = "ScalerActive"
	ReasonScalerNotActive = "ScalerNotActive"
	// ReasonScalerCooldown: nothing is active, and the cooldown has not passed.
	ReasonScalerCooldown = "ScalerCooldown"
	// ReasonUnknownState: the object is not defined well.
	ReasonUnknownState = "UnknownState"

	ReasonFallbackExists  = "FallbackExists"
	ReasonNoFallbackFound = "NoFallbackFound"

	ReasonHPAActive             = "HPAActive"
	ReasonHPAMetricsUnavailable = "HPAMetricsUnavailable"
	// ReasonHPAScalingDisabled: the workload is at zero, where an HPA leaves it.
	ReasonHPAScalingDisabled = "ScalingDisabled"
)

// Messages of conditions, as KEDA words them.
const (
	MessageScaledObjectReady   = "ScaledObject is defined correctly and is ready for scaling"
	MessageScaledObjectPaused  = "ScaledObject is paused"
	MessageScaledJobReady      = "ScaledJob is defined correctly and is ready for scaling"
	MessageScaledJobPaused     = "ScaledJob is paused"
	MessageScaledJobUnpaused   = "ScaledJob is unpaused"
	MessageScalerActive        = "Scaling is performed because triggers are active"
	MessageScalerForced        = "Scaling is performed because activation is being forced by annotation"
	MessageScalerNotActive     = "Scaling is not performed because triggers are not active"
	MessageScalerCooldown      = "Scaler cooling down because triggers are not active"
	MessagePartialTriggerError = "Some triggers defined in ScaledObject are not working correctly"
	MessageFallbackExists      = "At least one trigger is falling back on this scaled object"
	MessageNoFallbackFound     = "No fallbacks are active on this scaled object"
)

// Condition is one fact about an object. It carries no instant: KEDA's do not.
type Condition struct {
	// Type of the condition.
	// +required
	Type ConditionType `json:"type"`
	// True, False or Unknown.
	// +required
	Status metav1.ConditionStatus `json:"status"`
	// Why, in one CamelCase word.
	// +optional
	Reason string `json:"reason,omitempty"`
	// Why, in a sentence.
	// +optional
	Message string `json:"message,omitempty"`
}

// Conditions are the facts about an object, at most one of a type.
type Conditions []Condition

// NewConditions returns the conditions of an object about which nothing is known.
func NewConditions() Conditions {
	return Conditions{
		{Type: ConditionReady, Status: metav1.ConditionUnknown},
		{Type: ConditionActive, Status: metav1.ConditionUnknown},
		{Type: ConditionFallback, Status: metav1.ConditionUnknown},
		{Type: ConditionPaused, Status: metav1.ConditionFalse},
	}
}

// AreInitialized reports whether all that every object has are there.
func (c Conditions) AreInitialized() bool {
	for _, want := range NewConditions() {
		if c.index(want.Type) < 0 {
			return false
		}
	}
	return true
}

// Get returns the condition of a type; of one that is missing its zero value.
func (c Conditions) Get(t ConditionType) Condition {
	if i := c.index(t); i >= 0 {
		return c[i]
	}
	return Condition{}
}

// IsTrue reports whether the condition of a type is there and True.
func (c Conditions) IsTrue(t ConditionType) bool {
	return c.Get(t).Status == metav1.ConditionTrue
}

// Set replaces the condition of one type, or adds it.
func (c *Conditions) Set(t ConditionType, status metav1.ConditionStatus, reason, message string) {
	next := Condition{Type: t, Status: status, Reason: reason, Message: message}
	if i := c.index(t); i >= 0 {
		(*c)[i] = next
		return
	}
	*c = append(*c, next)
}

// Remove takes away the condition of a type.
func (c *Conditions) Remove(t ConditionType) {
	*c = slices.DeleteFunc(*c, func(have Condition) bool { return have.Type == t })
}

func (c Conditions) index(t ConditionType) int {
	return slices.IndexFunc(c, func(have Condition) bool { return have.Type == t })
}
