package policy

import (
	"fmt"
	"math"

	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
)

func podsSignal(m *autoscalingv2.PodsMetricSource) (engine.Signal, Source) {
	s := engine.Signal{
		Name:  "pods/" + m.Metric.Name,
		Label: "pods metric " + m.Metric.Name,
		Kind:  engine.PerPod,
	}
	if m.Target.AverageValue == nil {
		s.Fault = noPodsTarget
	} else {
		aim(&s, engine.AverageValue, Milli(*m.Target.AverageValue))
	}
	return s, series(&s, Source{Kind: autoscalingv2.PodsMetricSourceType}, m.Metric)
}

// objectSignal follows the target's type: the other field is not looked at.
func objectSignal(m *autoscalingv2.ObjectMetricSource) (engine.Signal, Source) {
	s := engine.Signal{Name: "object/" + m.Metric.Name, Kind: engine.Object}
	switch t := m.Target; {
	case t.Type == autoscalingv2.ValueMetricType && t.Value != nil:
		s.Label = fmt.Sprintf("%s metric %s", m.DescribedObject.Kind, m.Metric.Name)
		aim(&s, engine.Value, Milli(*t.Value))
	case t.Type == autoscalingv2.AverageValueMetricType && t.AverageValue != nil:
		s.Label = externalLabel(m.Metric) // upstream's word for this one, too
		aim(&s, engine.AverageValue, Milli(*t.AverageValue))
	default:
		s.Fault = noObjectTarget
	}
	return s, series(&s, Source{Kind: autoscalingv2.ObjectMetricSourceType, DescribedObject: m.DescribedObject}, m.Metric)
}

// externalSignal prefers the average value; the target's type is not looked at.
func externalSignal(m *autoscalingv2.ExternalMetricSource) (engine.Signal, Source) {
	s := engine.Signal{Name: "external/" + m.Metric.Name, Label: externalLabel(m.Metric), Kind: engine.External}
	switch t := m.Target; {
	case t.AverageValue != nil:
		aim(&s, engine.AverageValue, Milli(*t.AverageValue))
	case t.Value != nil:
		aim(&s, engine.Value, Milli(*t.Value))
	default:
		s.Fault = noExternalTarget
	}
	return s, series(&s, Source{Kind: autoscalingv2.ExternalMetricSourceType}, m.Metric)
}

func externalLabel(m autoscalingv2.MetricIdentifier) string {
	return fmt.Sprintf("external metric %s(%+v)", m.Name, m.Selector)
}

// series fills in which series a metric means; an unusable selector is the signal's fault.
func series(s *engine.Signal, src Source, m autoscalingv2.MetricIdentifier) Source {
	src.MetricName, src.Selector = m.Name, labels.Everything()
	if m.Selector == nil {
		return src
	}
	selector, err := metav1.LabelSelectorAsSelector(m.Selector)
	if err != nil {
		s.Fault = err.Error()
		return src
	}
	src.Selector = selector
	return src
}

// aim sets the target, which must be above zero for a ratio to mean anything.
func aim(s *engine.Signal, k engine.TargetKind, value int64) {
	s.Target = engine.Target{Kind: k, Value: value}
	if value <= 0 {
		s.Fault = "the target must be above zero"
	}
}

// Milli is a quantity in thousandths, rounded up, at most [math.MaxInt64] and
// at least [math.MinInt64].
func Milli(q resource.Quantity) int64 {
	const most = math.MaxInt64 / 1000
	switch {
	case q.CmpInt64(most) > 0:
		return math.MaxInt64
	case q.CmpInt64(-most) < 0:
		return math.MinInt64
	}
	return q.MilliValue()
}

// misread says where the target's type promises what the arithmetic does not do.
func misread(m *autoscalingv2.MetricSpec, s engine.Signal) string {
	t, ok := targetOf(m)
	if !ok || t.Type == "" || s.Fault != "" {
		return ""
	}
	used := map[engine.TargetKind]autoscalingv2.MetricTargetType{
		engine.Utilization:  autoscalingv2.UtilizationMetricType,
		engine.AverageValue: autoscalingv2.AverageValueMetricType,
		engine.Value:        autoscalingv2.ValueMetricType,
	}[s.Target.Kind]
	if t.Type == used {
		return ""
	}
	return fmt.Sprintf("target.type is %s, but the field given makes it %s", t.Type, used)
}

func targetOf(m *autoscalingv2.MetricSpec) (autoscalingv2.MetricTarget, bool) {
	switch {
	case m.Resource != nil:
		return m.Resource.Target, true
	case m.ContainerResource != nil:
		return m.ContainerResource.Target, true
	case m.Pods != nil:
		return m.Pods.Target, true
	case m.External != nil:
		return m.External.Target, true
	default: // an Object metric follows its type
		return autoscalingv2.MetricTarget{}, false
	}
}
