package engine

import (
	"fmt"
	"time"
)

// whyScaledObject renders the sentences of the rules that an HPA does not know.
func (s Step) whyScaledObject() string {
	a := s.Args
	switch s.Case { //nolint:exhaustive // the other cases belong to other rules
	case CasePaused:
		return "scaling is paused"
	case CasePausedAt:
		return fmt.Sprintf("scaling is paused at %g", a[0])
	case CaseFallback:
		return fmt.Sprintf("failed %s in a row, more than %g: %s stands in, which asks for %g; the last time: %s",
			count(a[0], "time"), a[1], milli(a[3]), a[2], s.Note)
	case CaseNoFallback:
		return fmt.Sprintf("failed %s in a row, more than %g, and without a ready pod no value asks for %g; the last time: %s",
			count(a[0], "time"), a[1], a[2], s.Note)
	case CaseComputed:
		return fmt.Sprintf("%s gives %s", s.Note, milli(a[0]))
	case CaseComputedNil:
		return fmt.Sprintf("%s gives nil: %s stands in, which asks for %g", s.Note, milli(a[0]), a[1])
	case CaseActive, CaseForced, CaseAlwaysActive, CaseInactive, CaseUnsure, CaseAwaitsFallback:
		return s.whyActive()
	default:
		return s.whyRests()
	}
}

func (s Step) whyActive() string {
	a := s.Args
	switch s.Case { //nolint:exhaustive // the other cases belong to other sentences
	case CaseForced:
		return "active: activation is forced by annotation"
	case CaseAlwaysActive:
		return "active: nothing but the pods themselves is measured"
	case CaseUnsure, CaseAwaitsFallback:
		return "nobody knows whether there is work: " + s.Note
	}
	is, than := "active", "above"
	if s.Case == CaseInactive {
		is, than = "inactive", "not above"
	}
	if s.Case == CaseInactive && a[3] > 1 {
		return fmt.Sprintf("none of %g signals is active", a[3])
	}
	switch a[2] {
	case theSource:
		return is + ": the source says so"
	case theFallback:
		return is + ": it falls back"
	}
	return fmt.Sprintf("%s: %s is %s %s", is, milli(a[0]), than, milli(a[1]))
}

func (s Step) whyRests() string {
	a := s.Args
	seconds := func(i int) time.Duration {
		return time.Duration(a[i] * float64(time.Second)).Round(time.Millisecond)
	}
	switch s.Case { //nolint:exhaustive // the other cases belong to other sentences
	case CaseWoken:
		return fmt.Sprintf("from %d it wakes to %d", s.Before, s.After)
	case CaseBlockedOut:
		return "growing is paused, so it does not wake"
	case CaseRaised:
		return fmt.Sprintf("%d is less than the minimum of %g", s.Before, a[0])
	case CaseBlockedIn:
		return "shrinking is paused, so it does not rest"
	case CaseCooling:
		return fmt.Sprintf("cooling down: %s of %s have passed since the last activity", seconds(1), seconds(0))
	case CaseInitialCooling:
		return fmt.Sprintf("cooling down: %s of %s have passed since the creation, and it was never active", seconds(1), seconds(0))
	case CaseDeactivated:
		return fmt.Sprintf("the cooldown of %s is over, so it rests at %d", seconds(0), s.After)
	case CaseLeft:
		return "from here on the HPA decides"
	default:
		return s.Note
	}
}
