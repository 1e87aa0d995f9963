package policy

import (
	"slices"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

// section is the part of a metric that one type of metric uses.
type section struct {
	kind     autoscalingv2.MetricSourceType
	name     string
	given    bool
	validate func(*field.Path) field.ErrorList
}

func sections(m *autoscalingv2.MetricSpec) []section {
	return []section{
		{autoscalingv2.ObjectMetricSourceType, "object", m.Object != nil, func(p *field.Path) field.ErrorList { return validateObject(m.Object, p) }},
		{autoscalingv2.ExternalMetricSourceType, "external", m.External != nil, func(p *field.Path) field.ErrorList { return validateExternal(m.External, p) }},
		{autoscalingv2.PodsMetricSourceType, "pods", m.Pods != nil, func(p *field.Path) field.ErrorList { return validatePods(m.Pods, p) }},
		{autoscalingv2.ResourceMetricSourceType, "resource", m.Resource != nil, func(p *field.Path) field.ErrorList { return validateResource(m.Resource, p) }},
		{autoscalingv2.ContainerResourceMetricSourceType, "containerResource", m.ContainerResource != nil, func(p *field.Path) field.ErrorList { return validateContainer(m.ContainerResource, p) }},
	}
}

func validateMetrics(s *autoscalingv2.HorizontalPodAutoscalerSpec, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	wakes := false // a workload without pods can only be woken by what does not come from pods
	for i := range s.Metrics {
		m := &s.Metrics[i]
		errs = append(errs, validateMetric(m, path.Index(i))...)
		wakes = wakes || m.Type == autoscalingv2.ObjectMetricSourceType || m.Type == autoscalingv2.ExternalMetricSourceType
	}
	if *s.MinReplicas == 0 && !wakes {
		errs = append(errs, field.Forbidden(path, "minReplicas 0 needs an Object or External metric: without pods nothing else could start them again"))
	}
	return errs
}

func validateMetric(m *autoscalingv2.MetricSpec, path *field.Path) field.ErrorList {
	all := sections(m)
	if m.Type == "" {
		return field.ErrorList{field.Required(path.Child("type"), "must be given")}
	}
	if !slices.ContainsFunc(all, func(s section) bool { return s.kind == m.Type }) {
		kinds := make([]autoscalingv2.MetricSourceType, len(all))
		for i, s := range all {
			kinds[i] = s.kind
		}
		return field.ErrorList{field.NotSupported(path.Child("type"), m.Type, kinds)}
	}
	var errs field.ErrorList
	for _, s := range all {
		at := path.Child(s.name)
		switch {
		case s.kind == m.Type && !s.given:
			errs = append(errs, field.Required(at, "must be given for type "+string(m.Type)))
		case s.kind == m.Type:
			errs = append(errs, s.validate(at)...)
		case s.given:
			errs = append(errs, field.Forbidden(at, "must not be given for type "+string(m.Type)))
		}
	}
	return errs
}

func validateObject(m *autoscalingv2.ObjectMetricSource, path *field.Path) field.ErrorList {
	errs := validateReference(m.DescribedObject, path.Child("describedObject"))
	errs = append(errs, validateSegment(m.Metric.Name, path.Child("metric", "name"))...)
	errs = append(errs, validateTarget(m.Target, path.Child("target"))...)
	if m.Target.Value == nil && m.Target.AverageValue == nil {
		errs = append(errs, field.Required(path.Child("target", "averageValue"), "value or averageValue must be given"))
	}
	return errs
}

func validateExternal(m *autoscalingv2.ExternalMetricSource, path *field.Path) field.ErrorList {
	target := path.Child("target")
	errs := validateSegment(m.Metric.Name, path.Child("metric", "name"))
	errs = append(errs, validateTarget(m.Target, target)...)
	switch v, a := m.Target.Value != nil, m.Target.AverageValue != nil; {
	case !v && !a:
		errs = append(errs, field.Required(target.Child("averageValue"), "value or averageValue must be given"))
	case v && a:
		errs = append(errs, field.Forbidden(target.Child("value"), "must not be given beside averageValue"))
	}
	return errs
}

func validatePods(m *autoscalingv2.PodsMetricSource, path *field.Path) field.ErrorList {
	errs := validateSegment(m.Metric.Name, path.Child("metric", "name"))
	errs = append(errs, validateTarget(m.Target, path.Child("target"))...)
	if m.Target.AverageValue == nil {
		errs = append(errs, field.Required(path.Child("target", "averageValue"), "must be given"))
	}
	return errs
}

func validateResource(m *autoscalingv2.ResourceMetricSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if m.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), "must name a resource, such as cpu"))
	}
	return append(errs, validateUsageTarget(m.Target, path.Child("target"))...)
}

func validateContainer(m *autoscalingv2.ContainerResourceMetricSource, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	if m.Name == "" {
		errs = append(errs, field.Required(path.Child("name"), "must name a resource, such as cpu"))
	} else {
		for _, why := range validation.IsQualifiedName(string(m.Name)) {
			errs = append(errs, field.Invalid(path.Child("name"), m.Name, why))
		}
	}
	if m.Container == "" {
		errs = append(errs, field.Required(path.Child("container"), "must name a container"))
	} else {
		for _, why := range validation.IsDNS1123Label(m.Container) {
			errs = append(errs, field.Invalid(path.Child("container"), m.Container, why))
		}
	}
	return append(errs, validateUsageTarget(m.Target, path.Child("target"))...)
}

// validateUsageTarget wants exactly one of the two ways to compare a resource.
func validateUsageTarget(t autoscalingv2.MetricTarget, path *field.Path) field.ErrorList {
	errs := validateTarget(t, path)
	switch u, a := t.AverageUtilization != nil, t.AverageValue != nil; {
	case !u && !a:
		errs = append(errs, field.Required(path.Child("averageUtilization"), "averageUtilization or averageValue must be given"))
	case u && a:
		errs = append(errs, field.Forbidden(path.Child("averageValue"), "must not be given beside averageUtilization"))
	}
	return errs
}

func validateTarget(t autoscalingv2.MetricTarget, path *field.Path) field.ErrorList {
	var errs field.ErrorList
	switch t.Type {
	case autoscalingv2.UtilizationMetricType, autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType:
	case "":
		errs = append(errs, field.Required(path.Child("type"), "must be Utilization, Value or AverageValue"))
	default:
		errs = append(errs, field.NotSupported(path.Child("type"), t.Type, []autoscalingv2.MetricTargetType{
			autoscalingv2.UtilizationMetricType, autoscalingv2.ValueMetricType, autoscalingv2.AverageValueMetricType,
		}))
	}
	errs = append(errs, validatePositive(t.Value, path.Child("value"))...)
	errs = append(errs, validatePositive(t.AverageValue, path.Child("averageValue"))...)
	if u := t.AverageUtilization; u != nil && *u < 1 {
		errs = append(errs, field.Invalid(path.Child("averageUtilization"), *u, "must be 1 or more"))
	}
	return errs
}

func validatePositive(q *resource.Quantity, path *field.Path) field.ErrorList {
	if q == nil || q.Sign() > 0 {
		return nil
	}
	return field.ErrorList{field.Invalid(path, q.String(), "must be above zero")}
}
