package policy

import (
	"fmt"
	"slices"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// ValidateScaledObject returns what makes no sense about a ScaledObject by
// itself: what its CRD refuses, KEDA's rules, and annotations of Furl. What the
// triggers' own settings say, and other objects in the cluster, is not looked at.
func ValidateScaledObject(so *v1alpha1.ScaledObject) field.ErrorList {
	return append(validateScaledObject(so), validateFallbackUse(so, field.NewPath("spec", "fallback"))...)
}

// ValidateOwn returns what Furl refuses beyond KEDA's rules and the object's
// CRD: annotations of Furl that cannot be read, and a behavior that no HPA
// could have.
func ValidateOwn(so *v1alpha1.ScaledObject) (annotations, behavior field.ErrorList) {
	b := BehaviorOf(so)
	defaultBehavior(b)
	return validateObjectAnnotations(so.Annotations),
		validateBehavior(b, field.NewPath("spec", "advanced", "horizontalPodAutoscalerConfig", "behavior"))
}

// validateScaledObject returns what leaves nothing to decide by.
func validateScaledObject(so *v1alpha1.ScaledObject) field.ErrorList {
	spec := field.NewPath("spec")
	errs := validateReplicaCounts(&so.Spec, spec)
	if t := so.Spec.ScaleTargetRef; t == nil || t.Name == "" {
		errs = append(errs, field.Required(spec.Child("scaleTargetRef", "name"), "must name the workload to scale"))
	}
	errs = append(errs, validateTriggers(so.Spec.Triggers, spec.Child("triggers"))...)
	errs = append(errs, validateFallback(so.Spec.Fallback, spec.Child("fallback"))...)
	b := BehaviorOf(so)
	defaultBehavior(b)
	errs = append(errs, validateBehavior(b, spec.Child("advanced", "horizontalPodAutoscalerConfig", "behavior"))...)
	if usesModifiers(so) {
		if _, err := CompileModifiers(so.Spec.Advanced.ScalingModifiers, formulaTriggers(so)); err != nil {
			errs = append(errs, field.Invalid(spec.Child("advanced", "scalingModifiers"), so.Spec.Advanced.ScalingModifiers.Formula, err.Error()))
		}
	}
	return append(errs, validateObjectAnnotations(so.Annotations)...)
}

// validateReplicaCounts holds KEDA's bounds. Its idle size must be below the
// minimum, where a minimum of 0 counts as 1 if it is written.
func validateReplicaCounts(s *v1alpha1.ScaledObjectSpec, spec *field.Path) field.ErrorList {
	var errs field.ErrorList
	for _, n := range []struct {
		name  string
		given *int32
		least int32
	}{
		{"pollingInterval", s.PollingInterval, 1},
		{"cooldownPeriod", s.CooldownPeriod, 0},
		{"initialCooldownPeriod", s.InitialCooldownPeriod, 0},
		{"idleReplicaCount", s.IdleReplicaCount, 0},
		{"minReplicaCount", s.MinReplicaCount, 0},
		{"maxReplicaCount", s.MaxReplicaCount, 1},
	} {
		if n.given != nil && *n.given < n.least {
			errs = append(errs, field.Invalid(spec.Child(n.name), *n.given, fmt.Sprintf("must be %d or more", n.least)))
		}
	}
	least, most := int32(0), valueOr(s.MaxReplicaCount, defaultMax)
	if s.MinReplicaCount != nil {
		least = max(*s.MinReplicaCount, 1)
	}
	if least > most {
		errs = append(errs, field.Invalid(spec.Child("minReplicaCount"), least, fmt.Sprintf("must not be above maxReplicaCount, which is %d", most)))
	}
	if idle := s.IdleReplicaCount; idle != nil && *idle >= least {
		errs = append(errs, field.Invalid(spec.Child("idleReplicaCount"), *idle, fmt.Sprintf("must be below minReplicaCount, which is %d", least)))
	}
	return errs
}

func validateTriggers(triggers []v1alpha1.ScaleTriggers, path *field.Path) field.ErrorList {
	if len(triggers) == 0 {
		return field.ErrorList{field.Required(path, "must hold a trigger")}
	}
	var errs field.ErrorList
	var names []string
	for i := range triggers {
		t, at := &triggers[i], path.Index(i)
		if t.Type == "" {
			errs = append(errs, field.Required(at.Child("type"), "must name a trigger, such as aws-sqs-queue"))
		}
		if t.Name != "" && slices.Contains(names, t.Name) {
			errs = append(errs, field.Duplicate(at.Child("name"), t.Name))
		}
		names = append(names, t.Name)
		if t.UseCachedMetrics && (isResource(t.Type) || t.Type == "cron") {
			errs = append(errs, field.Forbidden(at.Child("useCachedMetrics"), "a "+t.Type+" trigger has nothing to keep"))
		}
	}
	return errs
}

func validateFallback(f *v1alpha1.Fallback, path *field.Path) field.ErrorList {
	if f == nil {
		return nil
	}
	var errs field.ErrorList
	if f.FailureThreshold < 0 {
		errs = append(errs, field.Invalid(path.Child("failureThreshold"), f.FailureThreshold, "must be 0 or more"))
	}
	if f.Replicas < 0 {
		errs = append(errs, field.Invalid(path.Child("replicas"), f.Replicas, "must be 0 or more"))
	}
	known := []string{
		v1alpha1.FallbackBehaviorStatic, v1alpha1.FallbackBehaviorCurrentReplicas, v1alpha1.FallbackBehaviorCurrentReplicasIfHigher,
		v1alpha1.FallbackBehaviorCurrentReplicasIfLower, v1alpha1.FallbackBehaviorScalingModifiers,
	}
	if f.Behavior != "" && !slices.Contains(known, f.Behavior) {
		errs = append(errs, field.NotSupported(path.Child("behavior"), f.Behavior, known))
	}
	return errs
}

// validateFallbackUse wants somebody who can fall back; without, the fallback
// does nothing.
func validateFallbackUse(so *v1alpha1.ScaledObject, path *field.Path) field.ErrorList {
	f := so.Spec.Fallback
	if f == nil || usesModifiers(so) {
		return nil
	}
	var errs field.ErrorList
	if f.Behavior == v1alpha1.FallbackBehaviorScalingModifiers {
		errs = append(errs, field.Invalid(path.Child("behavior"), f.Behavior, "needs a formula in spec.advanced.scalingModifiers"))
	}
	if !slices.ContainsFunc(so.Spec.Triggers, func(t v1alpha1.ScaleTriggers) bool { return !isResource(t.Type) }) {
		errs = append(errs, field.Forbidden(path, "cpu and memory triggers have no fallback, and there is no other"))
	}
	return errs
}

// validateObjectAnnotations holds what only a ScaledObject may be annotated with.
func validateObjectAnnotations(all map[string]string) field.ErrorList {
	_, _, errs := annotations(all)
	path := field.NewPath("metadata", "annotations")
	if v, ok := all[api.AnnotationScaleToZero]; ok && v != api.ScaleToZeroByBehavior {
		errs = append(errs, field.NotSupported(path.Key(api.AnnotationScaleToZero), v, []string{api.ScaleToZeroByBehavior}))
	}
	if v, ok := all[api.AnnotationAdopts]; ok {
		if _, adopts := Adopts(all); !adopts {
			errs = append(errs, field.Invalid(path.Key(api.AnnotationAdopts), v, "must be the name of a HorizontalPodAutoscaler, without its kind"))
		}
	}
	if v, ok := all[api.AnnotationActuation]; ok && v != api.ActuationDirect && v != api.ActuationHPA {
		errs = append(errs, field.NotSupported(path.Key(api.AnnotationActuation), v, []string{api.ActuationDirect, api.ActuationHPA}))
	}
	return errs
}
