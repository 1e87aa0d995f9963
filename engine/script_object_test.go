package engine_test

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/engine"
)

// setObject reads what a ScaledObject has beyond an HPA.
func (s *script) setObject(f []string, text string) error {
	switch f[0] {
	case "pause":
		return s.setPause(f[1:])
	case "fallback":
		return s.setFallback(f[1:])
	case "formula":
		_, expression, _ := strings.Cut(text, f[1]+" ")
		s.policy.Composite = engine.Composite{Formula: arithmetic(expression), Signal: f[1]}
		return nil
	case "input":
		s.policy.Composite.Inputs = append(s.policy.Composite.Inputs, engine.Input{
			Variable: f[1], Signal: engine.Signal{Name: f[2], Kind: engine.External},
			Spare: !strings.Contains(s.policy.Composite.Formula.String(), f[1]),
		})
		return nil
	default:
		return s.setActivation(f[1:])
	}
}

func (s *script) setPause(f []string) error {
	s.policy.Pause = engine.Pause{On: true}
	for _, w := range f {
		k, v, _ := strings.Cut(w, "=")
		switch k {
		case "at":
			s.policy.Pause.At, s.policy.Pause.Replicas = true, size(v)
		case "over":
			s.policy.Pause = engine.Pause{}
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	return nil
}

func (s *script) setFallback(f []string) error {
	s.policy.Fallback = engine.Fallback{On: true}
	for _, w := range f {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "threshold":
			s.policy.Fallback.Threshold = size(v)
		case "replicas":
			s.policy.Fallback.Replicas = size(v)
		case "behavior":
			s.policy.Fallback.Behavior = map[string]engine.FallbackBehavior{
				"static": engine.FallbackStatic, "current": engine.FallbackCurrent, "higher": engine.FallbackHigher,
				"lower": engine.FallbackLower, "formula": engine.FallbackFormula,
			}[v]
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	return nil
}

func (s *script) setActivation(f []string) error {
	a := engine.Activation{On: true}
	for _, w := range f {
		switch k, v, _ := strings.Cut(w, "="); k {
		case "cooldown":
			a.Cooldown = duration(v)
		case "initial":
			a.InitialCooldown = duration(v)
		case "created":
			a.Created = midnight.Add(duration(v))
		case "idle":
			a.Idles, a.Idle = true, size(v)
		case "forced":
			a.Forced = true
		case "blocked-in":
			a.BlockedIn = true
		case "blocked-out":
			a.BlockedOut = true
		case "only":
			a.Only = true
		case "by-behavior":
			a.ByBehavior = true
		default:
			return fmt.Errorf("%q is unknown", w)
		}
	}
	s.policy.Activation = a
	return nil
}

// describeObject writes the conditions and events of a ScaledObject.
func (s *script) describeObject(d engine.Decision) {
	words := []string{"ready " + d.TriggersReady().Reason}
	if c, ok := d.ScalerActive(); ok {
		words = append(words, c.Reason)
	}
	if c, ok := engine.FallsBack(s.policy, s.history); ok {
		words = append(words, c.Reason)
	}
	if c, ok := d.IsPaused(); ok {
		words = append(words, c.Reason)
	}
	fmt.Fprintf(&s.out, "  says %s\n", strings.Join(words, ", "))
	var err error
	if s.refused {
		err = errors.New("refused")
	}
	if e, ok := d.ActivationEvent("apps/v1.Deployment default/web", err); ok {
		fmt.Fprintf(&s.out, "  event %s: %s\n", e.Reason, e.Message)
	}
}

// arithmetic is a formula of two terms, enough for scripts.
type arithmetic string

func (a arithmetic) String() string { return string(a) }

func (a arithmetic) Eval(_ time.Time, values map[string]float64) (float64, bool, error) {
	f := strings.Fields(string(a))
	x, known := term(f[0], values)
	if len(f) == 1 {
		return x, known, nil
	}
	y, other := term(f[2], values)
	switch {
	case f[1] == "??" && known:
		return x, true, nil
	case f[1] == "??":
		return y, other, nil
	case !known || !other:
		return 0, false, fmt.Errorf("%s: a value is nil", a)
	case f[1] == "+":
		return x + y, true, nil
	case f[1] == "-":
		return x - y, true, nil
	default:
		return x / y, true, nil
	}
}

func term(t string, values map[string]float64) (float64, bool) {
	if n, err := strconv.ParseFloat(t, 64); err == nil {
		return n, true
	}
	v, ok := values[t]
	return v, ok
}
