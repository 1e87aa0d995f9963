package hpa

import (
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// metricStatuses is the status' list of current metrics: nil when no signal
// was asked, with an empty entry for each that made no proposal.
func (a *Autoscaler) metricStatuses(r *loop.Record) []autoscalingv2.MetricStatus {
	if r.Unread != nil || r.Decision.Proposals == nil {
		return nil
	}
	out := make([]autoscalingv2.MetricStatus, len(r.Decision.Proposals))
	for i := range r.Decision.Proposals {
		if p := &r.Decision.Proposals[i]; p.Missing == "" {
			out[i] = a.metricStatus(&r.Policy.Signals[i], &a.compiled.Sources[i], i, p)
		}
	}
	return out
}

func (a *Autoscaler) metricStatus(s *engine.Signal, src *policy.Source, i int, p *engine.Proposal) autoscalingv2.MetricStatus {
	current := valueStatus(s, src.Resource, p)
	st := autoscalingv2.MetricStatus{Type: src.Kind}
	switch src.Kind {
	case autoscalingv2.ResourceMetricSourceType:
		st.Resource = &autoscalingv2.ResourceMetricStatus{Name: src.Resource, Current: current}
	case autoscalingv2.ContainerResourceMetricSourceType:
		st.ContainerResource = &autoscalingv2.ContainerResourceMetricStatus{Name: src.Resource, Container: src.Container, Current: current}
	case autoscalingv2.PodsMetricSourceType:
		st.Pods = &autoscalingv2.PodsMetricStatus{Metric: a.eye.metrics[i].Pods.Metric, Current: current}
	case autoscalingv2.ObjectMetricSourceType:
		st.Object = &autoscalingv2.ObjectMetricStatus{
			Metric: a.eye.metrics[i].Object.Metric, DescribedObject: src.DescribedObject, Current: current,
		}
	case autoscalingv2.ExternalMetricSourceType:
		st.External = &autoscalingv2.ExternalMetricStatus{Metric: a.eye.metrics[i].External.Metric, Current: current}
	default:
	}
	return st
}

// valueStatus is the number in the form of the signal's target.
func valueStatus(s *engine.Signal, r corev1.ResourceName, p *engine.Proposal) autoscalingv2.MetricValueStatus {
	switch s.Target.Kind {
	case engine.Utilization:
		percent := p.Utilization
		return autoscalingv2.MetricValueStatus{AverageUtilization: &percent, AverageValue: Quantity(r, p.Average)}
	case engine.Value:
		return autoscalingv2.MetricValueStatus{Value: Quantity(r, p.Total)}
	case engine.AverageValue:
		return autoscalingv2.MetricValueStatus{AverageValue: Quantity(r, p.Average)}
	default:
		return autoscalingv2.MetricValueStatus{}
	}
}

// Quantity is milli-units of a resource as a status shows them: memory in
// binary units, all else in decimal ones.
func Quantity(r corev1.ResourceName, milli int64) *resource.Quantity {
	if r == corev1.ResourceMemory {
		return resource.NewMilliQuantity(milli, resource.BinarySI)
	}
	return resource.NewMilliQuantity(milli, resource.DecimalSI)
}
