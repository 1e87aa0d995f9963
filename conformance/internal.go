package conformance

import (
	"slices"
	"strings"

	"github.com/furl-dev/furl/conformance/same"
)

// The reasons by which a record is internal. Each is a property of the record,
// never its name.
const (
	ownFacts = "pins upstream's own bookkeeping (which watch it has read, in which order it queues), which Furl does without"
	ownStore = "pins a sequence of calls on upstream's selector store; Furl indexes pods, and ambiguity is checked in reconcile.json"
	ownQueue = "pins upstream's queue (at once or at its fixed rate); Furl decides on every change"
	ownSlots = "pins slots of a history that nothing reads without behavior"
	gateOff  = "pins behaviour with a feature gate off; Furl has it on for good: "
)

// internalRecord says by which rule the whole record is internal, empty for none.
func internalRecord(r Record) string {
	switch r.Category {
	case "controller_facts":
		return ownFacts
	case "reconcile":
		return internalReconcile(r)
	default:
		return ""
	}
}

// internalReconcile finds gates that are off where that shows. A gate that is
// off without showing does not make a record internal.
func internalReconcile(r Record) string {
	var in reconcileInput
	if same.Decode(r.Input, &in) != nil {
		return "" // replaying says what is wrong
	}
	off := func(gate string) bool { on, given := in.Gates[gate]; return given && !on }
	behavior := in.HPA.Spec.Behavior
	switch {
	case off("HPAConfigurableTolerance") && behavior != nil &&
		(behavior.ScaleUp != nil && behavior.ScaleUp.Tolerance != nil ||
			behavior.ScaleDown != nil && behavior.ScaleDown.Tolerance != nil):
		return gateOff + "HPAConfigurableTolerance"
	case off("HPAScaleToZero") && in.asleep():
		return gateOff + "HPAScaleToZero"
	case off("PodLevelResources") && slices.ContainsFunc(in.Pods, podRecord.requestsItself):
		return gateOff + "PodLevelResources"
	default:
		return ""
	}
}

// internalCall says by which rule a call is internal, empty for none.
func internalCall(c Call) string {
	switch c.Function {
	case "updateHPA", "enqueueHPA", "enqueueRateLimited", "deleteHPA":
		return ownQueue
	case "reconcileKey", "updateStatus":
		return ownFacts
	}
	if strings.HasPrefix(c.Function, "selector_store.") {
		return ownStore
	}
	var in struct {
		Behavior *struct{}   `json:"behavior"`
		Gate     *bool       `json:"pod_level_resources_gate"`
		Pods     []podRecord `json:"pods"`
	}
	if same.Decode(c.Input, &in) != nil {
		return ""
	}
	switch {
	case c.Function == "storeScaleEvent" && in.Behavior == nil:
		return ownSlots
	case in.Gate != nil && !*in.Gate && slices.ContainsFunc(in.Pods, podRecord.requestsItself):
		return gateOff + "PodLevelResources"
	default:
		return ""
	}
}
