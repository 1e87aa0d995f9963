package engine

import (
	"fmt"
	"strings"
)

// Condition is what a decision says about one condition of a ScaledObject, in
// KEDA's words.
type Condition struct {
	Status  ConditionStatus
	Reason  string
	Message string
}

// ConditionStatus is True, False or Unknown, as Kubernetes writes them.
type ConditionStatus string

// The three states of a condition.
const (
	StatusTrue    ConditionStatus = "True"
	StatusFalse   ConditionStatus = "False"
	StatusUnknown ConditionStatus = "Unknown"
)

// Reasons and messages of conditions and events as KEDA 2.21 words them.
const (
	objectReady     = "ScaledObjectReady"
	objectReadyMsg  = "ScaledObject is defined correctly and is ready for scaling"
	partialError    = "PartialTriggerError"
	partialErrorMsg = "Some triggers defined in ScaledObject are not working correctly"
	triggerError    = "TriggerError"
	triggerErrorMsg = "Triggers defined in ScaledObject are not working correctly"

	scalerActive       = "ScalerActive"
	scalerActiveMsg    = "Scaling is performed because triggers are active"
	scalerForcedMsg    = "Scaling is performed because activation is being forced by annotation"
	scalerNotActive    = "ScalerNotActive"
	scalerNotActiveMsg = "Scaling is not performed because triggers are not active"
	scalerCooldown     = "ScalerCooldown"
	scalerCooldownMsg  = "Scaler cooling down because triggers are not active"

	fallbackExists    = "FallbackExists"
	fallbackExistsMsg = "At least one trigger is falling back on this scaled object"
	noFallback        = "NoFallbackFound"
	noFallbackMsg     = "No fallbacks are active on this scaled object"

	objectPaused    = "ScaledObjectPaused"
	objectPausedMsg = "ScaledObject is paused"

	targetActivated    = "KEDAScaleTargetActivated"
	targetDeactivated  = "KEDAScaleTargetDeactivated"
	activationFailed   = "KEDAScaleTargetActivationFailed"
	deactivationFailed = "KEDAScaleTargetDeactivationFailed"
)

// ScalerActive is the condition Active. A paused object leaves it as it is.
func (d Decision) ScalerActive() (Condition, bool) {
	switch state, asked := d.state(); {
	case !asked:
		return Condition{}, false
	case state == CaseForced:
		return Condition{StatusTrue, scalerActive, scalerForcedMsg}, true
	case state == CaseActive, state == CaseAlwaysActive:
		return Condition{StatusTrue, scalerActive, scalerActiveMsg}, true
	case d.says(CaseCooling), d.says(CaseInitialCooling):
		return Condition{StatusFalse, scalerCooldown, scalerCooldownMsg}, true
	default:
		return Condition{StatusFalse, scalerNotActive, scalerNotActiveMsg}, true
	}
}

// TriggersReady is the condition Ready as far as the triggers are concerned. As
// KEDA's it stays True while the decision wakes the workload.
func (d Decision) TriggersReady() Condition {
	state, _ := d.state()
	switch {
	case state == CaseUnsure:
		return Condition{StatusFalse, triggerError, triggerErrorMsg}
	case d.isActive() && d.unsure() && !d.wakes():
		return Condition{StatusUnknown, partialError, partialErrorMsg}
	default:
		return Condition{StatusTrue, objectReady, objectReadyMsg}
	}
}

// IsPaused is the condition Paused of an object whose size is left alone
// altogether; a paused direction is known from the policy alone.
func (d Decision) IsPaused() (Condition, bool) {
	if _, paused := d.Find(RulePause); !paused {
		return Condition{}, false
	}
	return Condition{StatusTrue, objectPaused, objectPausedMsg}, true
}

// FallsBack is the condition Fallback by the history that a decision gave. An
// object without a fallback leaves it as it is.
func FallsBack(p Policy, h History) (Condition, bool) {
	if !p.Fallback.On {
		return Condition{}, false
	}
	for _, f := range h.Failures {
		if f.InARow > p.Fallback.Threshold {
			return Condition{StatusTrue, fallbackExists, fallbackExistsMsg}, true
		}
	}
	return Condition{StatusFalse, noFallback, noFallbackMsg}, true
}

// MovesLastActive says whether KEDA would set status.lastActiveTime to the
// instant of the decision, once it is carried out. While a trigger fails, KEDA
// does not; [History] goes on counting, so that no cooldown ends early.
func (d Decision) MovesLastActive() bool {
	switch {
	case !d.isActive(), d.says(CaseBlockedOut):
		return false
	default:
		return d.wakes() || !d.unsure()
	}
}

// Event is what a decision tells about a change, in KEDA's words.
type Event struct {
	Warning bool
	Reason  string
	Message string
}

// ActivationEvent tells that the workload was woken or went to rest, if the
// decision says so. The target is its kind, namespace and name as in
// "apps/v1.Deployment default/web"; err is why it could not be written.
func (d Decision) ActivationEvent(target string, err error) (Event, bool) {
	woken, rests := d.says(CaseWoken), d.says(CaseDeactivated) && d.reachesRest()
	move := fmt.Sprintf("%s from %d to %d", target, d.From, d.To)
	switch state, _ := d.state(); {
	case d.From == d.To, !woken && !rests:
		return Event{}, false
	case woken && err != nil:
		return Event{true, activationFailed, fmt.Sprintf("Failed to scale %s: %v", move, err)}, true
	case rests && err != nil:
		return Event{true, deactivationFailed, fmt.Sprintf("Failed to deactivate %s: %v", move, err)}, true
	case rests:
		return Event{false, targetDeactivated, "Deactivated " + move}, true
	case state == CaseForced:
		return Event{false, targetActivated, fmt.Sprintf("Scaled %s, caused by forced activation annotation", move)}, true
	default:
		return Event{false, targetActivated, fmt.Sprintf("Scaled %s, triggered by %s", move, strings.Join(d.ActiveSignals(), ";"))}, true
	}
}

// ActiveSignals are the names of the signals that are active, in the policy's order.
func (d Decision) ActiveSignals() []string {
	var names []string
	for _, a := range d.Activity {
		if a.Activity == Active {
			names = append(names, a.Signal)
		}
	}
	return names
}

// state is what the decision found about the work there is.
func (d Decision) state() (Case, bool) {
	for i := range d.Steps {
		if d.Steps[i].Rule == RuleActivate {
			return d.Steps[i].Case, true // the first of the rule, see askActivity
		}
	}
	return 0, false
}

func (d Decision) isActive() bool {
	c, _ := d.state()
	return c == CaseActive || c == CaseForced || c == CaseAlwaysActive
}

func (d Decision) wakes() bool { return d.says(CaseWoken) || d.says(CaseBlockedOut) }

func (d Decision) unsure() bool {
	for _, a := range d.Activity {
		if a.Activity == ActivityUnknown {
			return true
		}
	}
	return false
}

func (d Decision) says(c Case) bool {
	for i := range d.Steps {
		if d.Steps[i].Case == c {
			return true
		}
	}
	return false
}

// reachesRest says that nothing kept the workload from the size to rest at.
func (d Decision) reachesRest() bool {
	s, _ := d.Find(RuleActivate)
	return d.To == s.After
}
