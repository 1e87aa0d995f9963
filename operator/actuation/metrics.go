package actuation

import (
	"cmp"
	"errors"
	"slices"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var errNoMetrics = errors.New("no trigger says what it measures, so there is nothing that an HPA could scale by")

// metrics are what the HPA scales by, in KEDA's order: by type, but for the one
// that a formula computes of several, which comes last.
func metrics(o *v1alpha1.ScaledObject, c *policy.Compiled) ([]autoscalingv2.MetricSpec, error) {
	var ofPods, others []autoscalingv2.MetricSpec
	for i := range c.Policy.Signals {
		s := &c.Policy.Signals[i]
		switch src := sourceOf(c, s.Name); {
		case s.Kind != engine.PerPod:
			others = append(others, external(o, s.Name, s.Target))
		case s.Fault != "":
			// One that nobody has keeps the HPA from shrinking, as the fault would keep Furl.
			others = append(others, external(o, trigger.MetricName(src.Trigger, o.Spec.Triggers[src.Trigger].Type), s.Target))
		default:
			ofPods = append(ofPods, usage(o, s, src))
		}
	}
	all := slices.Concat(ofPods, others)
	switch {
	case len(all) == 0:
		return nil, errNoMetrics
	case c.Policy.Composite.Formula == nil:
		slices.SortStableFunc(all, byType)
	default:
		slices.SortStableFunc(all[:len(ofPods)], byType)
	}
	return all, nil
}

func byType(a, b autoscalingv2.MetricSpec) int { return cmp.Compare(a.Type, b.Type) }

// NeedsExternal tells whether an HPA scales by what Furl has to tell it.
func NeedsExternal(h *autoscalingv2.HorizontalPodAutoscaler) bool {
	return slices.ContainsFunc(h.Spec.Metrics, func(m autoscalingv2.MetricSpec) bool { return m.External != nil })
}

// sourceOf is where a signal is read; the zero value for one that is computed.
func sourceOf(c *policy.Compiled, signal string) policy.Source {
	i := slices.IndexFunc(c.Sources, func(s policy.Source) bool { return s.Signal == signal })
	if i < 0 {
		return policy.Source{}
	}
	return c.Sources[i]
}

// external is a metric that Furl tells, found by its name and the object's.
func external(o *v1alpha1.ScaledObject, name string, t engine.Target) autoscalingv2.MetricSpec {
	to := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType}
	q := resource.NewMilliQuantity(max(t.Value, 1), resource.DecimalSI) // a faulty trigger has no target, and the API takes none of 0
	if t.Kind == engine.Value {
		to.Type, to.Value = autoscalingv2.ValueMetricType, q
	} else {
		to.AverageValue = q
	}
	return autoscalingv2.MetricSpec{
		Type: autoscalingv2.ExternalMetricSourceType,
		External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{
				Name:     name,
				Selector: &metav1.LabelSelector{MatchLabels: map[string]string{v1alpha1.LabelScaledObject: o.Name}},
			},
			Target: to,
		},
	}
}

// usage is what the pods use of cpu or memory, all of them or one container's.
func usage(o *v1alpha1.ScaledObject, s *engine.Signal, src policy.Source) autoscalingv2.MetricSpec {
	to := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType}
	if s.Target.Kind == engine.Utilization {
		to.AverageUtilization = new(int32(min(s.Target.Value, 1<<31-1))) //nolint:gosec // it fits by now
	} else {
		to.Type, to.AverageValue = autoscalingv2.AverageValueMetricType, asWritten(o.Spec.Triggers[src.Trigger].Metadata["value"], s.Target.Value)
	}
	if src.Container != "" {
		return autoscalingv2.MetricSpec{
			Type:              autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: src.Resource, Container: src.Container, Target: to},
		}
	}
	return autoscalingv2.MetricSpec{
		Type:     autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{Name: src.Resource, Target: to},
	}
}

// asWritten is an amount as the user wrote it, 100Mi and not 104857600.
func asWritten(text string, milli int64) *resource.Quantity {
	is := resource.NewMilliQuantity(milli, resource.DecimalSI)
	if q, err := resource.ParseQuantity(text); err == nil && q.Cmp(*is) == 0 {
		return &q
	}
	return is
}
