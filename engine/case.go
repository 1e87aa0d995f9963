package engine

import "fmt"

// Case is which of its cases made a rule speak; it fixes the sentence of a
// [Step] and the meaning of its Args. The set is closed.
type Case uint8

// The cases; the comment says what Args hold.
const (
	CaseScalingDisabled Case = iota + 1 // nothing
	CaseAboveMax                        // max
	CaseBelowMin                        // min

	CaseUtilization  // percent, target percent, ready pods
	CasePodAverage   // average milli, target milli, ready pods
	CaseValue        // value milli, target milli, ready pods
	CaseFromZero     // value milli, target milli
	CaseTotalAverage // value milli, target milli, existing replicas
	CaseMissing      // nothing; Note has the reason

	CaseFilled      // missing pods, unready pods, ratio without them, ratio with them
	CaseFilledTurns // the same, and the size stays because the direction would turn
	CaseWithin      // ratio, tolerance down, tolerance up

	CaseNoSignals      // nothing
	CaseAllMissing     // failing signals, all signals; Note has the first reason
	CasePartlyMissing  // failing signals, all signals, largest proposal of the others; Note has the first reason
	CaseLargest        // number of proposals; Note has the signal's label
	CaseUpStabilized   // window in seconds
	CaseDownStabilized // window in seconds

	CaseUpLimit      // limit
	CaseDownLimit    // limit
	CaseUpDisabled   // nothing
	CaseDownDisabled // nothing
	CaseBurstLimit   // limit, factor, size at the period's start, floor
	CaseTooMany      // max
	CaseTooFew       // min

	CasePaused   // nothing
	CasePausedAt // size

	CaseFallback    // failures in a row, threshold, replicas, value milli; Note has the last reason
	CaseNoFallback  // failures in a row, threshold, replicas; Note has the last reason
	CaseComputed    // value milli; Note has the formula
	CaseComputedNil // value milli, replicas; Note has the formula

	// CaseActive and the next five say whether there is work. Args hold the value in milli, the
	// threshold in milli, who decided (see decider), and how many signals can be active.
	CaseActive
	CaseForced
	CaseAlwaysActive
	CaseInactive
	CaseUnsure         // Note has the first reason
	CaseAwaitsFallback // the same, where there is a fallback

	CaseWoken          // nothing
	CaseBlockedOut     // nothing
	CaseRaised         // min
	CaseBlockedIn      // nothing
	CaseCooling        // cooldown in seconds, seconds of it that have passed
	CaseInitialCooling // the same, since the creation
	CaseDeactivated    // cooldown in seconds
	CaseLeft           // nothing
	lastCase           = CaseLeft
)

// names are what records and JSON call the cases.
func (Case) names() [lastCase + 1]string {
	return [...]string{
		CaseScalingDisabled: "scaling-disabled",
		CaseAboveMax:        "above-max",
		CaseBelowMin:        "below-min",
		CaseUtilization:     "utilization",
		CasePodAverage:      "pod-average",
		CaseValue:           "value",
		CaseFromZero:        "from-zero",
		CaseTotalAverage:    "total-average",
		CaseMissing:         "missing",
		CaseFilled:          "filled",
		CaseFilledTurns:     "filled-turns",
		CaseWithin:          "within",
		CaseNoSignals:       "no-signals",
		CaseAllMissing:      "all-missing",
		CasePartlyMissing:   "partly-missing",
		CaseLargest:         "largest",
		CaseUpStabilized:    "up-stabilized",
		CaseDownStabilized:  "down-stabilized",
		CaseUpLimit:         "up-limit",
		CaseDownLimit:       "down-limit",
		CaseUpDisabled:      "up-disabled",
		CaseDownDisabled:    "down-disabled",
		CaseBurstLimit:      "burst-limit",
		CaseTooMany:         "too-many",
		CaseTooFew:          "too-few",
		CasePaused:          "paused",
		CasePausedAt:        "paused-at",
		CaseFallback:        "fallback",
		CaseNoFallback:      "no-fallback",
		CaseComputed:        "computed",
		CaseComputedNil:     "computed-nil",
		CaseActive:          "active",
		CaseForced:          "forced",
		CaseAlwaysActive:    "always-active",
		CaseInactive:        "inactive",
		CaseUnsure:          "unsure",
		CaseAwaitsFallback:  "awaits-fallback",
		CaseWoken:           "woken",
		CaseBlockedOut:      "blocked-out",
		CaseRaised:          "raised",
		CaseBlockedIn:       "blocked-in",
		CaseCooling:         "cooling",
		CaseInitialCooling:  "initial-cooling",
		CaseDeactivated:     "deactivated",
		CaseLeft:            "left",
	}
}

// String returns the name of the case, such as "up-limit".
func (c Case) String() string {
	if c == 0 || c > lastCase {
		return fmt.Sprintf("case(%d)", uint8(c))
	}
	return c.names()[c]
}

// MarshalText writes the name of the case.
func (c Case) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads the name of the case.
func (c *Case) UnmarshalText(name []byte) error {
	names := c.names()
	for i, n := range names {
		if i > 0 && n == string(name) {
			*c = Case(i)
			return nil
		}
	}
	return fmt.Errorf("case %q is unknown: want one of %v", name, names[1:])
}
