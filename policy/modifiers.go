package policy

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// Modifiers are scalingModifiers, compiled.
type Modifiers struct {
	Formula *Formula
	Target  engine.Target
	// Activation is in milli-units.
	Activation int64
}

// CompileModifiers compiles a formula over the named triggers, and what its
// result is compared with.
func CompileModifiers(m v1alpha1.ScalingModifiers, triggers []string) (Modifiers, error) {
	switch {
	case m.Formula == "":
		return Modifiers{}, errors.New("formula: must be given beside the other scalingModifiers")
	case m.Target == "":
		return Modifiers{}, errors.New("target: must be given beside the formula")
	}
	out := Modifiers{Target: engine.Target{Kind: engine.AverageValue}}
	switch m.MetricType {
	case autoscalingv2.AverageValueMetricType, "":
	case autoscalingv2.ValueMetricType:
		out.Target.Kind = engine.Value
	case autoscalingv2.UtilizationMetricType:
		fallthrough
	default:
		return Modifiers{}, fmt.Errorf("metricType %q: want AverageValue or Value", m.MetricType)
	}
	var err error
	if out.Formula, err = CompileFormula(m.Formula, triggers); err != nil {
		return Modifiers{}, err
	}
	target, err := strconv.ParseFloat(m.Target, 64)
	if err != nil || !(target > 0) {
		return Modifiers{}, fmt.Errorf("target %q: want a number above 0", m.Target)
	}
	out.Target.Value = whole(math.Trunc(target * 1000))
	if m.ActivationTarget != "" {
		a, err := strconv.ParseFloat(m.ActivationTarget, 64)
		if err != nil || math.IsNaN(a) {
			return Modifiers{}, fmt.Errorf("activationTarget %q: want a number, such as 0", m.ActivationTarget)
		}
		out.Activation = whole(MilliValue(a))
	}
	return out, nil
}

// CompileObjectModifiers compiles the scalingModifiers of an object that has some.
func CompileObjectModifiers(so *v1alpha1.ScaledObject) (Modifiers, error) {
	return CompileModifiers(so.Spec.Advanced.ScalingModifiers, formulaTriggers(so))
}

// usesModifiers says that the object has scalingModifiers of any kind.
func usesModifiers(so *v1alpha1.ScaledObject) bool {
	return so.Spec.Advanced != nil && so.Spec.Advanced.ScalingModifiers != v1alpha1.ScalingModifiers{}
}

// formulaTriggers are the names that a formula may use.
func formulaTriggers(so *v1alpha1.ScaledObject) []string {
	var names []string
	for i := range so.Spec.Triggers {
		if t := &so.Spec.Triggers[i]; t.Name != "" && !isResource(t.Type) {
			names = append(names, t.Name)
		}
	}
	return names
}

// addFormula makes one signal of all that are not read with the pods. Those of
// the pods stay beside it, also of a single container.
func (c *Compiled) addFormula(so *v1alpha1.ScaledObject) error {
	if !usesModifiers(so) {
		return nil
	}
	m, err := CompileModifiers(so.Spec.Advanced.ScalingModifiers, formulaTriggers(so))
	if err != nil {
		return fmt.Errorf("spec.advanced.scalingModifiers: %w", err)
	}
	composite := engine.Signal{
		Name: v1alpha1.CompositeMetricName, Label: "external metric " + v1alpha1.CompositeMetricName,
		Kind: engine.External, Target: m.Target, Activation: m.Activation,
	}
	if m.Target.Value <= 0 {
		composite.Fault = "the target must be a thousandth or more"
	}
	signals, sources := c.Policy.Signals, c.Sources
	c.Policy.Signals, c.Sources = []engine.Signal{composite}, nil
	c.Policy.Composite = engine.Composite{Formula: m.Formula, Signal: composite.Name}
	var pods []Source
	for i := range signals {
		spec := &so.Spec.Triggers[sources[i].Trigger]
		switch {
		case isResource(spec.Type):
			c.Policy.Signals = append(c.Policy.Signals, signals[i])
			pods = append(pods, sources[i])
		case spec.Name == "":
			c.Warnings = append(c.Warnings, fmt.Sprintf("trigger %d (%s): the formula cannot use it, so nobody reads it; give it a name", sources[i].Trigger, spec.Type))
		case slices.ContainsFunc(c.Policy.Composite.Inputs, func(in engine.Input) bool { return in.Variable == spec.Name }):
			c.Warnings = append(c.Warnings, fmt.Sprintf("trigger %d (%s): the formula sees its first metric only, not %s", sources[i].Trigger, spec.Type, signals[i].Name))
		default:
			c.Policy.Composite.Inputs = append(c.Policy.Composite.Inputs, engine.Input{
				Variable: spec.Name, Signal: signals[i], Spare: !m.Formula.Uses(spec.Name),
			})
			c.Sources = append(c.Sources, sources[i])
		}
	}
	c.Sources = append(c.Sources, pods...)
	return nil
}
