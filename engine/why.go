package engine

import (
	"fmt"
	"time"
)

// Why renders the step's sentence with its numbers.
func (s Step) Why() string {
	a := s.Args
	switch s.Rule {
	case RulePause, RuleFallback, RuleFormula, RuleActivate:
		return s.whyScaledObject()
	case RuleAsleep:
		return "the size is zero and Furl did not put it there, so scaling is off"
	case RuleBounds, RuleClamp, RuleFloor:
		return s.whyBounds()
	case RuleMeasure:
		return s.whyMeasured()
	case RuleFill:
		return s.whyFilled()
	case RuleTolerance:
		return fmt.Sprintf("ratio %.4g is within the tolerance, %.4g to %.4g", a[0], 1-a[1], 1+a[2])
	case RuleHold:
		return s.whyHeld()
	case RulePick:
		if a[0] == 1 {
			return "the only proposal, from " + s.Note
		}
		return fmt.Sprintf("the largest of %g proposals, from %s", a[0], s.Note)
	case RuleStabilise:
		window := time.Duration(a[0] * float64(time.Second))
		if s.Case == CaseUpStabilized {
			return fmt.Sprintf("%d is wanted, no more than %d was within the last %s", s.Before, s.After, window)
		}
		return fmt.Sprintf("%d is wanted, %d was within the last %s", s.Before, s.After, window)
	case RuleRate, RuleBurst:
		return s.whyLimited()
	default:
		return s.Note
	}
}

func (s Step) whyBounds() string {
	if s.Rule == RuleFloor {
		return fmt.Sprintf("the minimum was raised to %g while it slept", s.Args[0])
	}
	switch s.Case { //nolint:exhaustive // the other cases belong to other rules
	case CaseAboveMax:
		return fmt.Sprintf("the size %d is above the maximum of %g", s.Before, s.Args[0])
	case CaseBelowMin:
		return fmt.Sprintf("the size %d is below the minimum of %g", s.Before, s.Args[0])
	case CaseTooMany:
		return fmt.Sprintf("%d is more than the maximum of %g", s.Before, s.Args[0])
	default:
		return fmt.Sprintf("%d is less than the minimum of %g", s.Before, s.Args[0])
	}
}

func (s Step) whyMeasured() string {
	a := s.Args
	switch s.Case { //nolint:exhaustive // the other cases belong to other rules
	case CaseUtilization:
		return fmt.Sprintf("%g%% of the requests over a target of %g%% on %s", a[0], a[1], count(a[2], "ready pod"))
	case CasePodAverage:
		return fmt.Sprintf("%s a pod over a target of %s on %s", milli(a[0]), milli(a[1]), count(a[2], "ready pod"))
	case CaseValue:
		return fmt.Sprintf("%s over a target of %s on %s", milli(a[0]), milli(a[1]), count(a[2], "ready pod"))
	case CaseFromZero:
		return fmt.Sprintf("%s over a target of %s, from zero", milli(a[0]), milli(a[1]))
	case CaseTotalAverage:
		return fmt.Sprintf("%s over a target of %s a pod", milli(a[0]), milli(a[1]))
	default:
		return "no proposal: " + s.Note
	}
}

func (s Step) whyFilled() string {
	a := s.Args
	who := count(a[0], "missing pod")
	switch {
	case a[0] == 0:
		who = count(a[1], "unready pod")
	case a[1] != 0 && a[2] > 1:
		who += " and " + count(a[1], "unready pod")
	}
	as := "idle"
	if a[2] < 1 {
		as = "fully used"
	}
	turns := ""
	if s.Case == CaseFilledTurns {
		turns = ", which must not turn the direction"
	}
	return fmt.Sprintf("%s counted as %s, ratio %.4g becomes %.4g%s", who, as, a[2], a[3], turns)
}

func (s Step) whyHeld() string {
	a := s.Args
	switch s.Case { //nolint:exhaustive // the other cases belong to other rules
	case CaseNoSignals:
		return "the policy has no signals"
	case CaseAllMissing:
		if a[1] == 1 {
			return "the only signal has no reading: " + s.Note
		}
		return fmt.Sprintf("none of the %g signals has a reading, the first says: %s", a[1], s.Note)
	default:
		return fmt.Sprintf("%g of %g signals without a reading, and %g from the others may not shrink it; the first says: %s", a[0], a[1], a[2], s.Note)
	}
}

func (s Step) whyLimited() string {
	a := s.Args
	switch s.Case { //nolint:exhaustive // the other cases belong to other rules
	case CaseUpDisabled:
		return fmt.Sprintf("%d is wanted and growing is disabled", s.Before)
	case CaseDownDisabled:
		return fmt.Sprintf("%d is wanted and shrinking is disabled", s.Before)
	case CaseBurstLimit:
		return fmt.Sprintf("%d is wanted, growth goes to max(%g × %g, %g) = %g at once", s.Before, a[1], a[2], a[3], a[0])
	default:
		return fmt.Sprintf("%d is wanted, the limits allow %g now", s.Before, a[0])
	}
}

func count(n float64, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%g %ss", n, thing)
}
