package policy

import (
	"fmt"
	"strings"

	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// Upstream's wording of targets that are not there.
const (
	noResourceTarget = "invalid resource metric source: neither an average utilization target nor an average value (usage) target was set"
	noObjectTarget   = "invalid object metric source: neither a value target nor an average value target was set"
	noExternalTarget = "invalid external metric source: neither a value target nor an average value target was set"
	noPodsTarget     = "invalid pods metric source: no average value target was set" // upstream crashes here
)

// addSignals compiles each metric into a signal and its source.
func (c *Compiled) addSignals(metrics []autoscalingv2.MetricSpec) {
	taken := make(map[string]int, len(metrics))
	for i := range metrics {
		s, src := signal(&metrics[i])
		s.Name = unique(taken, s.Name)
		src.Signal = s.Name
		c.Policy.Signals = append(c.Policy.Signals, s)
		c.Sources = append(c.Sources, src)
		if w := misread(&metrics[i], s); w != "" {
			c.Warnings = append(c.Warnings, fmt.Sprintf("spec.metrics[%d]: %s", i, w))
		}
	}
}

// unique appends -2, -3 and so on to a name that was taken before.
func unique(taken map[string]int, name string) string {
	for {
		taken[name]++
		n := taken[name]
		if n == 1 {
			return name
		}
		if numbered := fmt.Sprintf("%s-%d", name, n); taken[numbered] == 0 {
			taken[numbered]++
			return numbered
		}
	}
}

func signal(m *autoscalingv2.MetricSpec) (engine.Signal, Source) {
	switch m.Type {
	case autoscalingv2.ResourceMetricSourceType:
		if m.Resource != nil {
			return resourceSignal(m.Resource)
		}
	case autoscalingv2.ContainerResourceMetricSourceType:
		if m.ContainerResource != nil {
			return containerSignal(m.ContainerResource)
		}
	case autoscalingv2.PodsMetricSourceType:
		if m.Pods != nil {
			return podsSignal(m.Pods)
		}
	case autoscalingv2.ObjectMetricSourceType:
		if m.Object != nil {
			return objectSignal(m.Object)
		}
	case autoscalingv2.ExternalMetricSourceType:
		if m.External != nil {
			return externalSignal(m.External)
		}
	default:
		return engine.Signal{Name: "unknown", Fault: fmt.Sprintf("unknown metric source type %q", string(m.Type))},
			Source{Kind: m.Type, Selector: labels.Everything()}
	}
	return engine.Signal{
		Name:  strings.ToLower(string(m.Type)),
		Fault: fmt.Sprintf("invalid metric source: type is %s, but its section is missing", m.Type),
	}, Source{Kind: m.Type, Selector: labels.Everything()}
}

func resourceSignal(m *autoscalingv2.ResourceMetricSource) (engine.Signal, Source) {
	s := usageSignal(m.Name, m.Target, fmt.Sprintf("%s resource utilization (percentage of request)", m.Name))
	s.Name = string(m.Name)
	return s, Source{Kind: autoscalingv2.ResourceMetricSourceType, Resource: m.Name, Selector: labels.Everything()}
}

func containerSignal(m *autoscalingv2.ContainerResourceMetricSource) (engine.Signal, Source) {
	s := usageSignal(m.Name, m.Target, fmt.Sprintf("%s container resource utilization (percentage of request)", m.Name))
	s.Name = fmt.Sprintf("%s/%s", m.Name, m.Container)
	return s, Source{
		Kind:      autoscalingv2.ContainerResourceMetricSourceType,
		Resource:  m.Name,
		Container: m.Container,
		Selector:  labels.Everything(),
	}
}

// usageSignal compares what pods use of a resource. An average value wins over
// a utilization; the target's type is not looked at.
func usageSignal(r corev1.ResourceName, t autoscalingv2.MetricTarget, utilizationLabel string) engine.Signal {
	s := engine.Signal{Kind: engine.PerPod, CPU: r == corev1.ResourceCPU}
	switch {
	case t.AverageValue != nil:
		s.Label = fmt.Sprintf("%s resource", r)
		aim(&s, engine.AverageValue, Milli(*t.AverageValue))
	case t.AverageUtilization != nil:
		s.Label = utilizationLabel
		aim(&s, engine.Utilization, int64(*t.AverageUtilization))
	default:
		s.Fault = noResourceTarget
	}
	return s
}
