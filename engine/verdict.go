package engine

import (
	"fmt"
	"slices"
)

// Verdict is what a decision says about one condition of a status, in
// upstream's words.
type Verdict struct {
	True    bool
	Reason  string
	Message string
}

// Reasons and messages of conditions and events as Kubernetes 1.37 words them.
const (
	readyForNewScale     = "ReadyForNewScale"
	readyMessage         = "recommended size matches current size"
	scaleUpStabilized    = "ScaleUpStabilized"
	scaleUpStabilizedMsg = "recent recommendations were lower than current one, applying the lowest recent recommendation"
	scaleDownStabilized  = "ScaleDownStabilized"
	scaleDownStabilMsg   = "recent recommendations were higher than current one, applying the highest recent recommendation"

	withinRange    = "DesiredWithinRange"
	withinRangeMsg = "the desired count is within the acceptable range"
	scaleUpLimit   = "ScaleUpLimit"
	scaleUpMsg     = "the desired replica count is increasing faster than the maximum scale rate"
	scaleDownLimit = "ScaleDownLimit"
	scaleDownMsg   = "the desired replica count is decreasing faster than the maximum scale rate"
	tooMany        = "TooManyReplicas"
	tooManyMsg     = "the desired replica count is more than the maximum replica count"
	tooFew         = "TooFewReplicas"
	tooFewMsg      = "the desired replica count is less than the minimum replica count"

	aboveMax = "Current number of replicas above Spec.MaxReplicas"
	belowMin = "Current number of replicas below Spec.MinReplicas"
)

// AbleToScale is the condition of that name after the windows were consulted.
// It has nothing to say when they were not, as for a size outside the bounds
// or held by failing signals.
func (d Decision) AbleToScale() (Verdict, bool) {
	if _, picked := d.Find(RulePick); !picked {
		return Verdict{}, false
	}
	s, changed := d.Find(RuleStabilise)
	switch {
	case !changed:
		return Verdict{true, readyForNewScale, readyMessage}, true
	case s.Case == CaseUpStabilized:
		return Verdict{true, scaleUpStabilized, scaleUpStabilizedMsg}, true
	default:
		return Verdict{true, scaleDownStabilized, scaleDownStabilMsg}, true
	}
}

// ScalingLimited is the condition of that name. It has nothing to say when no
// limit was consulted.
func (d Decision) ScalingLimited() (Verdict, bool) {
	if _, picked := d.Find(RulePick); !picked {
		return Verdict{}, false
	}
	for _, s := range slices.Backward(d.Steps) {
		switch s.Case { //nolint:exhaustive // the other cases limit nothing
		case CaseUpLimit, CaseUpDisabled, CaseBurstLimit:
			return Verdict{true, scaleUpLimit, scaleUpMsg}, true
		case CaseDownLimit, CaseDownDisabled:
			return Verdict{true, scaleDownLimit, scaleDownMsg}, true
		case CaseTooMany:
			return Verdict{true, tooMany, tooManyMsg}, true
		case CaseTooFew:
			return Verdict{true, tooFew, tooFewMsg}, true
		}
	}
	return Verdict{false, withinRange, withinRangeMsg}, true
}

// ScalingActive is the condition of that name where the decision settles it: a
// proposal was picked, or scaling is switched off. When signals held the size,
// the reason is that of the first one's source, which only the caller knows;
// its message is [Uncomputed]. In all other cases the condition stays as it is.
func (d Decision) ScalingActive() (Verdict, bool) {
	if s, picked := d.Find(RulePick); picked {
		return Verdict{true, "ValidMetricFound", "the HPA was able to successfully calculate a replica count from " + s.Note}, true
	}
	if _, off := d.Find(RuleAsleep); off {
		return Verdict{false, "ScalingDisabled", "scaling is disabled since the replica count of the target is zero"}, true
	}
	return Verdict{}, false
}

// Uncomputed is the message of ScalingActive for a signal without a reading.
func Uncomputed(why string) string {
	return "the HPA was unable to compute the replica count: " + why
}

// Invalid counts the signals that made no proposal and returns the index of
// the first of them in the policy, -1 for none.
func (d Decision) Invalid() (n, first int) {
	first = -1
	for i := range d.Proposals {
		if d.Proposals[i].Missing == "" {
			continue
		}
		n++
		if first < 0 {
			first = i
		}
	}
	return n, first
}

// InvalidMetrics is the text of the event and the error about failing signals;
// why is that of the first.
func (d Decision) InvalidMetrics(why string) string {
	n, _ := d.Invalid()
	return fmt.Sprintf("invalid metrics (%d invalid out of %d), first error is: %s", n, len(d.Proposals), why)
}

// Reason is what the event about a new size gives as its reason. As upstream's
// it speaks of what was wanted before windows and limits, and is empty where a
// window alone moved the size.
func (d Decision) Reason() string {
	if s, moved := d.Find(RuleBounds); moved {
		if s.Case == CaseAboveMax {
			return aboveMax
		}
		return belowMin
	}
	s, picked := d.Find(RulePick)
	if !picked {
		return ""
	}
	_, woken := d.Find(RuleFloor)
	switch {
	case s.After > s.Before:
		return s.Note + " above target"
	case s.After < s.Before:
		return "All metrics below target"
	case woken:
		return belowMin
	default:
		return ""
	}
}

// ScaledToZero is the condition of that name after the decision was carried
// out; h is the history that [Applied] gave.
func ScaledToZero(h History) Verdict {
	if h.Asleep {
		return Verdict{true, "ScaledToZero", "the HPA controller scaled the workload to zero"}
	}
	return Verdict{false, "NotScaledToZero", "the HPA controller did not scale the workload to zero"}
}
