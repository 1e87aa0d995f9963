package hpa

import (
	"fmt"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// failureReason is the reason of the condition and of the event when a signal
// of this kind has no value.
func failureReason(k autoscalingv2.MetricSourceType) string {
	switch k {
	case autoscalingv2.ResourceMetricSourceType:
		return "FailedGetResourceMetric"
	case autoscalingv2.ContainerResourceMetricSourceType:
		return "FailedGetContainerResourceMetric"
	case autoscalingv2.PodsMetricSourceType:
		return "FailedGetPodsMetric"
	case autoscalingv2.ObjectMetricSourceType:
		return "FailedGetObjectMetric"
	case autoscalingv2.ExternalMetricSourceType:
		return "FailedGetExternalMetric"
	default:
		return "InvalidMetricSourceType"
	}
}

// shortFailure is what the condition and the event of one failing signal say.
func shortFailure(s *engine.Signal, src *policy.Source, missing string) string {
	if s.Fault != "" {
		return missing
	}
	switch {
	case src.Resource == "":
		return missing
	case s.Target.Kind == engine.AverageValue:
		return fmt.Sprintf("failed to get %s usage: %s", src.Resource, missing)
	default:
		return fmt.Sprintf("failed to get %s utilization: %s", src.Resource, missing)
	}
}

// longFailure is how the summary of all failing signals quotes one.
func longFailure(s *engine.Signal, src *policy.Source, missing string) string {
	short := shortFailure(s, src, missing)
	average := s.Target.Kind == engine.AverageValue && s.Fault == ""
	switch src.Kind {
	case autoscalingv2.ResourceMetricSourceType:
		return fmt.Sprintf("failed to get %s resource metric value: %s", src.Resource, short)
	case autoscalingv2.ContainerResourceMetricSourceType:
		return fmt.Sprintf("failed to get %s container metric value: %s", src.Container, short)
	case autoscalingv2.PodsMetricSourceType:
		return "failed to get pods metric value: " + short
	case autoscalingv2.ObjectMetricSourceType:
		if average {
			short = fmt.Sprintf("failed to get %s object metric: %s", src.MetricName, short)
		}
		return "failed to get object metric value: " + short
	case autoscalingv2.ExternalMetricSourceType:
		switch {
		case average:
			short = fmt.Sprintf("failed to get %s external metric: %s", src.MetricName, short)
		case s.Fault == "":
			short = fmt.Sprintf("failed to get external metric %s: %s", src.MetricName, short)
		}
		return fmt.Sprintf("failed to get %s external metric value: %s", src.MetricName, short)
	default:
		return short
	}
}
