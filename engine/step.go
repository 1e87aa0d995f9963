package engine

import "fmt"

// Rule names one rule of a decision. The set is closed.
type Rule uint8

// The rules, in the order they speak; each has a file of its name.
const (
	RulePause     Rule = iota + 1 // the user leaves the size to nobody, or at a number
	RuleFallback                  // a signal that failed too often is taken for what the user said
	RuleFormula                   // one reading is computed from several
	RuleActivate                  // a workload wakes when there is work and rests when there is none
	RuleAsleep                    // a workload at zero that Furl did not put there stays there
	RuleBounds                    // a size outside the user's bounds moves into them
	RuleMeasure                   // a signal proposes a size
	RuleFill                      // pods without a measurement are counted carefully
	RuleTolerance                 // a small difference changes nothing
	RuleHold                      // failing signals block shrinking
	RulePick                      // the largest proposal counts
	RuleStabilise                 // a change must have been wanted for a while
	RuleRate                      // behavior bounds the change per period
	RuleBurst                     // without behavior, growth is bounded
	RuleClamp                     // the user's bounds have the last word
	RuleFloor                     // a woken workload gets at least its minimum
	lastRule      = RuleFloor
)

// Rules returns all rules in the order they speak.
func Rules() []Rule { return rulesFrom(RulePause) }

// UpstreamRules returns those that an HPA knows, in the order they speak. The
// others are a ScaledObject's.
func UpstreamRules() []Rule { return rulesFrom(RuleAsleep) }

func rulesFrom(first Rule) []Rule {
	rs := make([]Rule, 0, lastRule)
	for r := first; r <= lastRule; r++ {
		rs = append(rs, r)
	}
	return rs
}

// asks says whether the rule is there to find out what is wanted.
func (r Rule) asks() bool { return r >= RuleAsleep && r <= RulePick }

// String returns the rule's name, such as "stabilise".
func (r Rule) String() string {
	switch r {
	case RulePause:
		return "pause"
	case RuleFallback:
		return "fallback"
	case RuleFormula:
		return "formula"
	case RuleActivate:
		return "activate"
	case RuleAsleep:
		return "asleep"
	case RuleBounds:
		return "bounds"
	case RuleMeasure:
		return "measure"
	case RuleFill:
		return "fill"
	case RuleTolerance:
		return "tolerance"
	case RuleHold:
		return "hold"
	case RulePick:
		return "pick"
	case RuleStabilise:
		return "stabilise"
	case RuleRate:
		return "rate"
	case RuleBurst:
		return "burst"
	case RuleClamp:
		return "clamp"
	case RuleFloor:
		return "floor"
	default:
		return fmt.Sprintf("rule(%d)", uint8(r))
	}
}

// ParseRule is the inverse of [Rule.String].
func ParseRule(name string) (Rule, error) {
	for r := RulePause; r <= lastRule; r++ {
		if r.String() == name {
			return r, nil
		}
	}
	return 0, fmt.Errorf("rule %q is unknown: want one of %v", name, Rules())
}

// MarshalText writes the rule's name.
func (r Rule) MarshalText() ([]byte, error) { return []byte(r.String()), nil }

// UnmarshalText reads the rule's name.
func (r *Rule) UnmarshalText(name []byte) (err error) {
	*r, err = ParseRule(string(name))
	return err
}

// Step is one rule's effect on the replica count. Its sentence is rendered by
// [Step.Why] only when somebody reads it.
type Step struct {
	Rule   Rule       `json:"rule"`
	Case   Case       `json:"case"`
	Signal string     `json:"signal,omitempty"` // the signal it is about, if one
	Before int32      `json:"before"`
	After  int32      `json:"after"`
	Args   [4]float64 `json:"args"`           // operands in the order of the Case's sentence, always finite
	Note   string     `json:"note,omitempty"` // what came from outside, such as why a reading is missing
}

// String renders the step for people: rule, signal, size and why.
func (s Step) String() string {
	who := s.Rule.String()
	if s.Signal != "" {
		who += " " + s.Signal
	}
	return fmt.Sprintf("%s: %d, %s", who, s.After, s.Why())
}
