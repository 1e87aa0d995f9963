package v1alpha1

import (
	"errors"
	"fmt"
	"slices"
	"strings"
)

// maxNameLength is that of a label's value: the names end up in labels.
const maxNameLength = 63

// Validate reports every rule that the object alone breaks. What needs other
// objects, a formula's compiler or a trigger's settings is not asked here.
func (o *ScaledObject) Validate() error {
	return errors.Join(o.ValidateName(), o.ValidateReplicas(), o.ValidateFallback(), ValidateTriggers(o.Spec.Triggers))
}

// Validate reports every rule that the object alone breaks.
func (j *ScaledJob) Validate() error {
	return errors.Join(ValidateTriggers(j.Spec.Triggers), validateNoMetricTypes(j.Spec.Triggers))
}

// ValidateName reports a name that does not fit where it has to be written.
func (o *ScaledObject) ValidateName() error {
	if len(o.Name) > maxNameLength {
		return fmt.Errorf("name %q has %d characters: the label %s takes %d", o.Name, len(o.Name), LabelScaledObject, maxNameLength)
	}
	if hpa := o.HPAName(); len(hpa) > maxNameLength {
		return fmt.Errorf("HPA name %q has %d characters, more than %d: set spec.advanced.horizontalPodAutoscalerConfig.name", hpa, len(hpa), maxNameLength)
	}
	return nil
}

// HPAName returns the name of the HorizontalPodAutoscaler, where one is made.
func (o *ScaledObject) HPAName() string {
	if a := o.Spec.Advanced; a != nil && a.HorizontalPodAutoscalerConfig != nil && a.HorizontalPodAutoscalerConfig.Name != "" {
		return a.HorizontalPodAutoscalerConfig.Name
	}
	return "keda-hpa-" + o.Name
}

// UsesModifiers reports whether one formula stands for all triggers.
func (o *ScaledObject) UsesModifiers() bool {
	return o.Spec.Advanced != nil && o.Spec.Advanced.ScalingModifiers != ScalingModifiers{}
}

// ValidateFallback reports a fallback that could not speak.
func (o *ScaledObject) ValidateFallback() error {
	f := o.Spec.Fallback
	if f == nil {
		return nil
	}
	if f.FailureThreshold < 0 || f.Replicas < 0 {
		return fmt.Errorf("fallback: failureThreshold %d and replicas %d: neither may be negative", f.FailureThreshold, f.Replicas)
	}
	if f.Behavior == FallbackBehaviorScalingModifiers && !o.hasFormula() {
		return fmt.Errorf("fallback: behavior %q needs spec.advanced.scalingModifiers.formula", f.Behavior)
	}
	if o.UsesModifiers() || slices.ContainsFunc(o.Spec.Triggers, canFallBack) {
		return nil
	}
	return errors.New("fallback: needs a trigger that is neither cpu nor memory")
}

func (o *ScaledObject) hasFormula() bool {
	return o.Spec.Advanced != nil && o.Spec.Advanced.ScalingModifiers.Formula != ""
}

func canFallBack(t ScaleTriggers) bool { return t.Type != "cpu" && t.Type != "memory" }

// ValidateTriggers reports what is wrong with a list of triggers, whatever their settings.
func ValidateTriggers(triggers []ScaleTriggers) error {
	if len(triggers) == 0 {
		return errors.New("triggers: there is none, give at least one")
	}
	var errs []error
	seen := map[string]int{}
	for i, t := range triggers {
		if t.UseCachedMetrics && !canCache(t) {
			errs = append(errs, fmt.Errorf("trigger %d (%s): useCachedMetrics has no meaning for it, remove it", i, t.Type))
		}
		if t.Name == "" {
			continue
		}
		if first, twice := seen[t.Name]; twice {
			errs = append(errs, fmt.Errorf("trigger %d (%s): name %q is that of trigger %d too, give it another", i, t.Type, t.Name, first))
			continue
		}
		seen[t.Name] = i
	}
	return errors.Join(errs...)
}

func canCache(t ScaleTriggers) bool { return canFallBack(t) && t.Type != "cron" }

func validateNoMetricTypes(triggers []ScaleTriggers) error {
	var errs []error
	for i, t := range triggers {
		if t.MetricType != "" {
			errs = append(errs, fmt.Errorf("trigger %d (%s): metricType %q has no meaning in a ScaledJob, remove it", i, t.Type, t.MetricType))
		}
	}
	return errors.Join(errs...)
}

// TriggerTypes returns each type of the triggers once, with commas between, as status.triggersTypes shows them.
func TriggerTypes(triggers []ScaleTriggers) string {
	var types []string
	for _, t := range triggers {
		if !slices.Contains(types, t.Type) {
			types = append(types, t.Type)
		}
	}
	return strings.Join(types, ",")
}

// AuthenticationNames returns each authentication of the triggers once, with commas between, as status.authenticationsTypes shows them.
func AuthenticationNames(triggers []ScaleTriggers) string {
	var names []string
	for _, t := range triggers {
		if t.AuthenticationRef != nil && !slices.Contains(names, t.AuthenticationRef.Name) {
			names = append(names, t.AuthenticationRef.Name)
		}
	}
	return strings.Join(names, ",")
}
