package hpa

import (
	"math"
	"slices"
	"time"

	"github.com/furl-dev/furl/engine"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// A status follows the truth at once where it says something new, and at a
// walking pace where only numbers move. Upstream writes on nearly every sync.
const (
	movedPace  = 15 * time.Second // metrics that moved by more than a tenth of the target, and messages
	quietPace  = time.Minute      // metrics that moved by more than a twentieth
	noisePace  = 5 * time.Minute  // anything else that can be seen
	never      = time.Duration(math.MaxInt64)
	movedShare = 0.1
	// quietShare is half of the tolerance within which no size changes: usage at
	// rest is off by some percent from sample to sample, and a thousand HPAs that
	// tell of it each minute keep the API server busier than all else.
	quietShare = 0.05
	// seenShare of the target is the least difference worth a write: rates of idle
	// pods differ by less from scrape to scrape, for ever.
	seenShare = 0.01
)

// pace is how long the difference between the stored and the wanted status may
// wait; zero when it says something new, never when nobody could see it.
func (b *book) pace(signals []engine.Signal) time.Duration {
	is, want := &b.stored.Status, &b.want
	if is.CurrentReplicas != want.CurrentReplicas || is.DesiredReplicas != want.DesiredReplicas ||
		!samePointer(is.ObservedGeneration, want.ObservedGeneration) ||
		!is.LastScaleTime.Equal(want.LastScaleTime) || len(is.CurrentMetrics) != len(want.CurrentMetrics) ||
		len(is.Conditions) != len(want.Conditions) {
		return 0
	}
	pace := never
	for i := range want.Conditions {
		was, now := &is.Conditions[i], &want.Conditions[i]
		if was.Type != now.Type || was.Status != now.Status || was.Reason != now.Reason {
			return 0
		}
		if was.Message != now.Message {
			pace = min(pace, movedPace)
		}
	}
	for i := range want.CurrentMetrics {
		was, now := &is.CurrentMetrics[i], &want.CurrentMetrics[i]
		if was.Type != now.Type {
			return 0
		}
		if i < len(signals) {
			pace = min(pace, paceOf(was, now, signals[i].Target))
		}
	}
	return pace
}

// paceOf is how long the move of a metric may wait, by its share of the target.
func paceOf(was, now *autoscalingv2.MetricStatus, t engine.Target) time.Duration {
	switch moved := math.Abs(number(now, t.Kind) - number(was, t.Kind)); {
	case moved > movedShare*float64(t.Value):
		return movedPace
	case moved > quietShare*float64(t.Value):
		return quietPace
	case moved > seenShare*float64(t.Value):
		return noisePace
	default:
		return never
	}
}

// number is what a metric's status shows, in the unit of its target.
func number(m *autoscalingv2.MetricStatus, k engine.TargetKind) float64 {
	v := current(m)
	switch {
	case v == nil:
		return 0
	case k == engine.Utilization && v.AverageUtilization != nil:
		return float64(*v.AverageUtilization)
	case k == engine.Value && v.Value != nil:
		return v.Value.AsApproximateFloat64() * 1000
	case v.AverageValue != nil:
		return v.AverageValue.AsApproximateFloat64() * 1000
	default:
		return 0
	}
}

func current(m *autoscalingv2.MetricStatus) *autoscalingv2.MetricValueStatus {
	switch {
	case m.Resource != nil:
		return &m.Resource.Current
	case m.ContainerResource != nil:
		return &m.ContainerResource.Current
	case m.Pods != nil:
		return &m.Pods.Current
	case m.Object != nil:
		return &m.Object.Current
	case m.External != nil:
		return &m.External.Current
	default:
		return nil
	}
}

// sameStatus tells whether two statuses of one generation say the same. It is
// asked on every turn, so it looks at fields instead of reflecting.
func sameStatus(a, b *autoscalingv2.HorizontalPodAutoscalerStatus) bool {
	return a.CurrentReplicas == b.CurrentReplicas && a.DesiredReplicas == b.DesiredReplicas &&
		samePointer(a.ObservedGeneration, b.ObservedGeneration) &&
		a.LastScaleTime.Equal(b.LastScaleTime) &&
		(a.CurrentMetrics == nil) == (b.CurrentMetrics == nil) &&
		slices.EqualFunc(a.Conditions, b.Conditions, sameCondition) &&
		slices.EqualFunc(a.CurrentMetrics, b.CurrentMetrics, sameMetric)
}

func sameCondition(a, b autoscalingv2.HorizontalPodAutoscalerCondition) bool {
	return a.Type == b.Type && a.Status == b.Status && a.Reason == b.Reason && a.Message == b.Message &&
		a.LastTransitionTime.Equal(&b.LastTransitionTime)
}

// sameMetric compares what may change without the spec: the kind of entry and its numbers.
func sameMetric(a, b autoscalingv2.MetricStatus) bool {
	x, y := current(&a), current(&b)
	if a.Type != b.Type || x == nil || y == nil {
		return a.Type == b.Type && (x == nil) == (y == nil)
	}
	return samePointer(x.AverageUtilization, y.AverageUtilization) &&
		sameQuantity(x.AverageValue, y.AverageValue) && sameQuantity(x.Value, y.Value)
}

func sameQuantity(a, b *resource.Quantity) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Cmp(*b) == 0
}

func samePointer[T comparable](a, b *T) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
