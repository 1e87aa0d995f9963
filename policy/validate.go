package policy

import (
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/validate/content"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// The API server's limits, in seconds.
const (
	maxWindow = 3600 // MaxStabilizationWindowSeconds
	maxPeriod = 1800 // MaxPeriodSeconds
)

// Validate returns what the API server would refuse about a new HPA, and
// annotations of Furl that make no sense. The HPA need not be defaulted.
func Validate(hpa *autoscalingv2.HorizontalPodAutoscaler) field.ErrorList {
	h := Default(hpa)
	spec := field.NewPath("spec")
	errs := validateBounds(&h.Spec)
	errs = append(errs, validateScaleTarget(h.Spec.ScaleTargetRef, spec.Child("scaleTargetRef"))...)
	errs = append(errs, validateMetrics(&h.Spec, spec.Child("metrics"))...)
	errs = append(errs, validateBehavior(h.Spec.Behavior, spec.Child("behavior"))...)
	_, _, annotationErrs := annotations(h.Annotations)
	return append(errs, annotationErrs...)
}

func validateBounds(s *autoscalingv2.HorizontalPodAutoscalerSpec) field.ErrorList {
	var errs field.ErrorList
	spec := field.NewPath("spec")
	least := *s.MinReplicas
	if least < 0 {
		errs = append(errs, field.Invalid(spec.Child("minReplicas"), least, "must be 0 or more"))
	}
	switch most := s.MaxReplicas; {
	case most < 1:
		errs = append(errs, field.Invalid(spec.Child("maxReplicas"), most, "must be 1 or more"))
	case most < least:
		errs = append(errs, field.Invalid(spec.Child("maxReplicas"), most, fmt.Sprintf("must not be below minReplicas, which is %d", least)))
	}
	return errs
}

// validateScaleTarget wants a group, except for the one scalable kind without.
func validateScaleTarget(ref autoscalingv2.CrossVersionObjectReference, path *field.Path) field.ErrorList {
	errs := validateReference(ref, path)
	gv, err := schema.ParseGroupVersion(ref.APIVersion)
	if err == nil && gv.Group == "" && ref.Kind != "ReplicationController" {
		errs = append(errs, field.Invalid(path.Child("apiVersion"), ref.APIVersion, "must name an API group, such as apps/v1"))
	}
	return errs
}

func validateReference(ref autoscalingv2.CrossVersionObjectReference, path *field.Path) field.ErrorList {
	errs := validateSegment(ref.Kind, path.Child("kind"))
	errs = append(errs, validateSegment(ref.Name, path.Child("name"))...)
	if _, err := schema.ParseGroupVersion(ref.APIVersion); err != nil {
		errs = append(errs, field.Invalid(path.Child("apiVersion"), ref.APIVersion, "must be GROUP/VERSION"))
	}
	return errs
}

// validateSegment wants a name that can be part of a URL.
func validateSegment(name string, path *field.Path) field.ErrorList {
	if name == "" {
		return field.ErrorList{field.Required(path, "must be given")}
	}
	var errs field.ErrorList
	for _, why := range content.IsPathSegmentName(name) {
		errs = append(errs, field.Invalid(path, name, why))
	}
	return errs
}

func validateBehavior(b *autoscalingv2.HorizontalPodAutoscalerBehavior, path *field.Path) field.ErrorList {
	if b == nil {
		return nil
	}
	errs := validateRules(b.ScaleUp, path.Child("scaleUp"))
	return append(errs, validateRules(b.ScaleDown, path.Child("scaleDown"))...)
}

func validateRules(r *autoscalingv2.HPAScalingRules, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if w := r.StabilizationWindowSeconds; w != nil && (*w < 0 || *w > maxWindow) {
		errs = append(errs, field.Invalid(path.Child("stabilizationWindowSeconds"), *w, "must be 0 to 3600"))
	}
	switch *r.SelectPolicy {
	case autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect:
	default:
		errs = append(errs, field.NotSupported(path.Child("selectPolicy"), *r.SelectPolicy, []autoscalingv2.ScalingPolicySelect{
			autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect,
		}))
	}
	if len(r.Policies) == 0 {
		errs = append(errs, field.Required(path.Child("policies"), "must hold a policy; leave the field out for the default"))
	}
	for i, p := range r.Policies {
		errs = append(errs, validatePolicy(p, path.Child("policies").Index(i))...)
	}
	if t := r.Tolerance; t != nil && t.Sign() < 0 {
		errs = append(errs, field.Invalid(path.Child("tolerance"), t.String(), "must not be negative"))
	}
	return errs
}

func validatePolicy(p autoscalingv2.HPAScalingPolicy, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if p.Type != autoscalingv2.PodsScalingPolicy && p.Type != autoscalingv2.PercentScalingPolicy {
		errs = append(errs, field.NotSupported(path.Child("type"), p.Type, []autoscalingv2.HPAScalingPolicyType{
			autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy,
		}))
	}
	if p.Value <= 0 {
		errs = append(errs, field.Invalid(path.Child("value"), p.Value, "must be above 0"))
	}
	if p.PeriodSeconds <= 0 || p.PeriodSeconds > maxPeriod {
		errs = append(errs, field.Invalid(path.Child("periodSeconds"), p.PeriodSeconds, "must be 1 to 1800"))
	}
	return errs
}
