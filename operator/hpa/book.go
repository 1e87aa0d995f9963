package hpa

import (
	"context"
	"fmt"
	"math"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"

	"github.com/furl-dev/furl/engine"
)

// A status follows the truth at once where it says something new, and at a
// walking pace where only numbers move. Upstream writes on nearly every sync.
const (
	movedPace  = 15 * time.Second // metrics that moved by more than a tenth of the target, and messages
	quietPace  = time.Minute      // anything else
	movedShare = 0.1
	// repeatAfter is when an event that still holds is sent again.
	repeatAfter = time.Minute
	// repeatLimit bounds the events remembered of one HPA.
	repeatLimit = 32
)

// book holds the status of one HPA: as it should be, as it is stored, and what
// was said about it.
type book struct {
	seen   *autoscalingv2.HorizontalPodAutoscaler // newest state that the watch told
	stored *autoscalingv2.HorizontalPodAutoscaler // newest state known, maybe by our own write
	want   autoscalingv2.HorizontalPodAutoscalerStatus

	everyChange bool
	wrote       time.Time // when the status was last written
	due         time.Time // when a status held back must be written, zero for none
	said        map[saying]time.Time
}

type saying struct{ reason, message string }

// see takes a state that the watch told, unless our own write is newer.
func (b *book) see(h *autoscalingv2.HorizontalPodAutoscaler, at time.Time) {
	b.seen = h
	switch {
	case b.stored == nil || b.stored.UID != h.UID:
		b.want = *h.Status.DeepCopy()
		b.stored = h
		if len(h.Status.Conditions) > 0 {
			b.wrote = at // numbers may wait: somebody wrote them before us
		}
	case !older(h.ResourceVersion, b.stored.ResourceVersion):
		b.stored = h
	}
}

// uid is that of the object the book is about, empty before there is one.
func (b *book) uid() types.UID {
	if b.stored == nil {
		return ""
	}
	return b.stored.UID
}

// older tells whether version a is known to come before b.
func older(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order < 0
}

// mayRepeat tells whether an event should be sent, and notes that it is.
func (b *book) mayRepeat(reason, message string, at time.Time) bool {
	if b.everyChange {
		return true
	}
	s := saying{reason, message}
	if last, ok := b.said[s]; ok && at.Sub(last) < repeatAfter {
		return false
	}
	if b.said == nil || len(b.said) >= repeatLimit {
		b.said = make(map[saying]time.Time)
	}
	b.said[s] = at
	return true
}

// write stores the status if it is time to.
func (a *Autoscaler) write(ctx context.Context, at time.Time) error {
	b := &a.book
	b.due = time.Time{}
	if apiequality.Semantic.DeepEqual(&b.stored.Status, &b.want) {
		return nil
	}
	if pace := b.pace(a.loop.Policy().Signals); !b.everyChange && pace > 0 {
		if due := b.wrote.Add(pace); due.After(at) {
			b.due = due
			return nil
		}
	}
	h := *b.stored
	h.Status = *b.want.DeepCopy()
	stored, err := a.ports.Status.WriteStatus(ctx, &h)
	if err != nil {
		a.settings.Meter.statusWrites.WithLabelValues("hpa", "failed").Inc()
		a.ports.Events.Event(b.stored, corev1.EventTypeWarning, "FailedUpdateStatus", err.Error())
		return fmt.Errorf("status of HPA %s: %w", a.key, err)
	}
	a.settings.Meter.statusWrites.WithLabelValues("hpa", "written").Inc()
	b.wrote = at
	if stored != nil {
		b.stored = cutObject(stored)
	}
	return nil
}

// pace is how long the difference between the stored and the wanted status may
// wait; zero when it says something new.
func (b *book) pace(signals []engine.Signal) time.Duration {
	is, want := &b.stored.Status, &b.want
	if is.CurrentReplicas != want.CurrentReplicas || is.DesiredReplicas != want.DesiredReplicas ||
		!samePointer(is.ObservedGeneration, want.ObservedGeneration) ||
		!is.LastScaleTime.Equal(want.LastScaleTime) || len(is.CurrentMetrics) != len(want.CurrentMetrics) ||
		len(is.Conditions) != len(want.Conditions) {
		return 0
	}
	pace := quietPace
	for i := range want.Conditions {
		was, now := &is.Conditions[i], &want.Conditions[i]
		if was.Type != now.Type || was.Status != now.Status || was.Reason != now.Reason {
			return 0
		}
		if was.Message != now.Message {
			pace = movedPace
		}
	}
	for i := range want.CurrentMetrics {
		was, now := &is.CurrentMetrics[i], &want.CurrentMetrics[i]
		if was.Type != now.Type {
			return 0
		}
		if i < len(signals) && moved(was, now, signals[i].Target) {
			pace = movedPace
		}
	}
	return pace
}

// moved tells whether a metric differs by more than a tenth of its target.
func moved(was, now *autoscalingv2.MetricStatus, t engine.Target) bool {
	return math.Abs(number(now, t.Kind)-number(was, t.Kind)) > movedShare*float64(t.Value)
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

func samePointer(a, b *int64) bool {
	if a == nil || b == nil {
		return a == b
	}
	return *a == *b
}
