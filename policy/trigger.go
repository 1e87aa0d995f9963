package policy

import (
	"fmt"
	"math"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/trigger"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

// addTriggers compiles each trigger into its signals and their sources.
func (c *Compiled) addTriggers(so *v1alpha1.ScaledObject, triggers []Trigger) error {
	taken, resources := map[string]bool{}, map[string]int{}
	for i := range triggers {
		spec, t := &so.Spec.Triggers[i], &triggers[i]
		c.Warnings = append(c.Warnings, t.Config.Warnings...)
		if isResource(spec.Type) {
			s, src := resourceTrigger(i, spec, t)
			s.Name = unique(resources, s.Name)
			c.add(s, src)
			continue
		}
		for _, m := range t.metrics(spec.Type) {
			s, src := metricSignal(i, spec, t, m)
			if taken[s.Name] {
				return fmt.Errorf("trigger %d (%s): metric %s is measured twice: give its metrics different names", i, spec.Type, s.Name)
			}
			taken[s.Name] = true
			c.add(s, src)
		}
	}
	return nil
}

func (c *Compiled) add(s engine.Signal, src Source) {
	src.Signal = s.Name
	c.Policy.Signals = append(c.Policy.Signals, s)
	c.Sources = append(c.Sources, src)
}

// isResource says that a trigger is read with the pods.
func isResource(kind string) bool { return kind == "cpu" || kind == "memory" }

// metrics are what the trigger measures; one that is not known yet stands for
// a trigger with a fault.
func (t *Trigger) metrics(kind string) []trigger.Metric {
	switch {
	case len(t.Metrics) > 0:
		return t.Metrics
	case len(t.Config.Metrics) > 0:
		return t.Config.Metrics
	default:
		return []trigger.Metric{{Name: kind, Target: 1}}
	}
}

func metricSignal(i int, spec *v1alpha1.ScaleTriggers, t *Trigger, m trigger.Metric) (engine.Signal, Source) {
	s := engine.Signal{Name: trigger.MetricName(i, m.Name), Kind: engine.External, Activation: whole(MilliValue(m.Activation))}
	s.Label = fmt.Sprintf("external metric %s", s.Name)
	src := Source{Kind: autoscalingv2.ExternalMetricSourceType, MetricName: m.Name, Selector: labels.Everything(), Trigger: i, Activation: m.Activation}
	switch spec.MetricType {
	case autoscalingv2.ValueMetricType:
		aim(&s, engine.Value, whole(MilliValue(m.Target)))
	case autoscalingv2.AverageValueMetricType, "":
		aim(&s, engine.AverageValue, whole(MilliValue(m.Target)))
	case autoscalingv2.UtilizationMetricType:
		fallthrough
	default:
		s.Fault = fmt.Sprintf("metricType %s: only cpu and memory know it; write AverageValue or Value", spec.MetricType)
	}
	switch {
	case t.Fault != "":
		s.Fault = t.Fault
	case len(t.Metrics) == 0 && len(t.Config.Metrics) == 0:
		s.Fault = "what it measures is not known yet"
	}
	return s, src
}

// resourceTrigger is the metric of an HPA that a cpu or memory trigger means.
func resourceTrigger(i int, spec *v1alpha1.ScaleTriggers, t *Trigger) (engine.Signal, Source) {
	r := corev1.ResourceName(spec.Type)
	target := autoscalingv2.MetricTarget{Type: spec.MetricType}
	fault := t.Fault
	switch metrics := t.metrics(spec.Type); {
	case fault != "":
	case spec.MetricType == autoscalingv2.UtilizationMetricType:
		target.AverageUtilization = new(int32(min(metrics[0].Target, math.MaxInt32)))
	case spec.MetricType == autoscalingv2.AverageValueMetricType:
		q := Quantity(metrics[0].Target)
		target.AverageValue = &q
	default:
		fault = fmt.Sprintf("metricType %q: want Utilization or AverageValue", spec.MetricType)
	}
	m := autoscalingv2.MetricSpec{
		Type:     autoscalingv2.ResourceMetricSourceType,
		Resource: &autoscalingv2.ResourceMetricSource{Name: r, Target: target},
	}
	if name := containerOf(t); name != "" {
		m = autoscalingv2.MetricSpec{
			Type:              autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: r, Container: name, Target: target},
		}
	}
	s, src := signal(&m)
	src.Trigger = i
	if fault != "" {
		s.Fault = fault
	}
	return s, src
}

// containerOf is the one container that a resource trigger reads.
func containerOf(t *Trigger) string {
	v, ok := t.Config.Value().(interface{ ContainerName() string })
	if !ok {
		return ""
	}
	return v.ContainerName()
}
