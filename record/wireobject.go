package record

import (
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
)

// What a policy has beyond an HPA's; absent for an HPA.

type pause struct {
	At *int32 `json:"at,omitempty"`
}

type activation struct {
	Idle            *int32    `json:"idle,omitempty"`
	Cooldown        duration  `json:"cooldown"`
	InitialCooldown duration  `json:"initialCooldown"`
	Created         time.Time `json:"created,omitzero"`
	Forced          bool      `json:"forced,omitempty"`
	BlockedIn       bool      `json:"blockedIn,omitempty"`
	BlockedOut      bool      `json:"blockedOut,omitempty"`
	ByBehavior      bool      `json:"byBehavior,omitempty"`
	Only            bool      `json:"only,omitempty"`
}

type fallback struct {
	Threshold int32  `json:"threshold"`
	Replicas  int32  `json:"replicas"`
	Behavior  string `json:"behavior"`
}

type composite struct {
	Formula string  `json:"formula"`
	Signal  string  `json:"signal"`
	Inputs  []input `json:"inputs,omitempty"`
}

type input struct {
	Variable string `json:"variable"`
	Signal   signal `json:"signal"`
	Spare    bool   `json:"spare,omitempty"`
}

func behaviors() []string {
	return []string{"Static", "Current", "Higher", "Lower", "Formula"}
}

// objectLine fills in what p has beyond an HPA.
func objectLine(out *policy, p engine.Policy) {
	if p.Pause.On {
		out.Pause = &pause{At: given(p.Pause.At, p.Pause.Replicas)}
	}
	if a := p.Activation; a.On {
		out.Activation = &activation{
			Idle: given(a.Idles, a.Idle), Cooldown: duration(a.Cooldown), InitialCooldown: duration(a.InitialCooldown), Created: a.Created,
			Forced: a.Forced, BlockedIn: a.BlockedIn, BlockedOut: a.BlockedOut, ByBehavior: a.ByBehavior, Only: a.Only,
		}
	}
	if f := p.Fallback; f.On {
		out.Fallback = &fallback{f.Threshold, f.Replicas, name(behaviors(), f.Behavior)}
	}
	if c := p.Composite; c.Formula != nil {
		out.Composite = &composite{Formula: c.Formula.String(), Signal: c.Signal}
		for _, in := range c.Inputs {
			out.Composite.Inputs = append(out.Composite.Inputs, input{in.Variable, signalLine(in.Signal), in.Spare})
		}
	}
}

// object fills in what the line has beyond an HPA.
func (p policy) object(out *engine.Policy) (err error) {
	if p.Pause != nil {
		out.Pause.On = true
		out.Pause.At, out.Pause.Replicas = taken(p.Pause.At)
	}
	if a := p.Activation; a != nil {
		out.Activation = engine.Activation{
			On: true, Cooldown: time.Duration(a.Cooldown), InitialCooldown: time.Duration(a.InitialCooldown), Created: a.Created,
			Forced: a.Forced, BlockedIn: a.BlockedIn, BlockedOut: a.BlockedOut, ByBehavior: a.ByBehavior, Only: a.Only,
		}
		out.Activation.Idles, out.Activation.Idle = taken(a.Idle)
	}
	if f := p.Fallback; f != nil {
		out.Fallback = engine.Fallback{On: true, Threshold: f.Threshold, Replicas: f.Replicas}
		if out.Fallback.Behavior, err = number[engine.FallbackBehavior](behaviors(), f.Behavior); err != nil {
			return fmt.Errorf("behavior of the fallback %w", err)
		}
	}
	if c := p.Composite; c != nil {
		out.Composite = engine.Composite{Formula: FormulaText(c.Formula), Signal: c.Signal}
		for _, in := range c.Inputs {
			s, err := in.Signal.engine()
			if err != nil {
				return fmt.Errorf("input %s: %w", in.Variable, err)
			}
			out.Composite.Inputs = append(out.Composite.Inputs, engine.Input{Variable: in.Variable, Signal: s, Spare: in.Spare})
		}
	}
	return nil
}

func given(is bool, n int32) *int32 { //nolint:revive // flag-parameter: a number and whether there is one
	if !is {
		return nil
	}
	return &n
}

func taken(n *int32) (is bool, value int32) {
	if n == nil {
		return false, 0
	}
	return true, *n
}
