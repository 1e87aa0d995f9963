package scaledobject

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/hush"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Events as KEDA words them.
const (
	eventReady       = "ScaledObjectReady"
	eventCheckFailed = "ScaledObjectCheckFailed"
	eventDeleted     = "ScaledObjectDeleted"
	eventPaused      = "ScaledObjectPaused"
	eventUnpaused    = "ScaledObjectUnpaused"
	eventFallback    = "ScaledObjectFallbackActivated"
	eventNoFallback  = "ScaledObjectFallbackDeactivated"
	eventStarted     = "KEDAScalersStarted"
	eventStopped     = "KEDAScalersStopped"
	eventFailed      = "KEDAScalerFailed"
	eventInfo        = "KEDAScalerInfo"
	eventUnwritten   = "ScaledObjectUpdateFailed"

	sayReady      = "ScaledObject is ready for scaling"
	sayDeleted    = "ScaledObject was deleted"
	sayFallback   = "ScaledObject fallback is active"
	sayNoFallback = "ScaledObject fallback is no longer active"
	sayUnpaused   = "pause annotation removed for ScaledObject"
	sayStarted    = "Started scalers watch"
	sayStopped    = "Stopped scalers watch"
	sayNoTarget   = "Target resource doesn't exist"
	sayNoScale    = "Target resource doesn't expose /scale subresource"
	badTarget     = "ScaledObject doesn't have correct scaleTargetRef specification"
	checkFailed   = "ScaledObject check failed"
)

// Record implements loop.Recorder: it tells the world what a turn came to.
func (a *Scaler) Record(ctx context.Context, r loop.Record) error {
	if errors.Is(r.Err, loop.ErrMoved) {
		return nil // the next turn says what became of it
	}
	a.lost = r.Outcome == loop.Unseen
	a.settings.Meter.Decided(shortKind, a.key, &r)
	if a.ports.Records != nil {
		a.ports.Records.Keep(a.workload(), r)
	}
	a.measure(&r)
	if a.book.silent {
		a.watched(&r)
		return nil
	}
	before := append(v1alpha1.Conditions(nil), a.book.want.Conditions...)
	if r.Outcome == loop.Unseen {
		a.unseen(&r)
		return a.settle(ctx, r.At, before)
	}
	a.outcome(&r)
	a.fill(&r)
	a.judge(&r)
	unmade := a.delegate(ctx, &r)
	return errors.Join(unmade, a.settle(ctx, r.At, before))
}

// settle tells what has changed since the conditions before, and writes the status.
func (a *Scaler) settle(ctx context.Context, at time.Time, before v1alpha1.Conditions) error {
	a.turned(before)
	err := a.write(ctx, at)
	if err != nil {
		a.warn(at, hush.Topic{Reason: eventUnwritten}, err.Error())
	}
	return err
}

// turned sends the events of conditions that became another.
func (a *Scaler) turned(before v1alpha1.Conditions) {
	normal := func(reason, message string) {
		a.ports.Events.Event(a.book.stored, corev1.EventTypeNormal, reason, message)
	}
	now := a.book.want.Conditions
	flipped := func(t v1alpha1.ConditionType) (to bool, flipped bool) {
		return now.IsTrue(t), now.IsTrue(t) != before.IsTrue(t)
	}
	paused, flip := flipped(v1alpha1.ConditionPaused)
	switch {
	case flip && thawed(before, now) && paused:
		a.froze()
	case flip && thawed(before, now):
		a.unfroze()
	case flip && paused:
		normal(eventPaused, v1alpha1.MessageScaledObjectPaused)
	case flip:
		normal(eventUnpaused, sayUnpaused)
	}
	if a.book.seen.IsPaused() && flip {
		normal(eventStopped, sayStopped)
	}
	if ready, flip := flipped(v1alpha1.ConditionReady); flip && ready {
		if before.Get(v1alpha1.ConditionReady).Reason != v1alpha1.ReasonPartialTriggerError {
			normal(eventStarted, sayStarted)
		}
		normal(eventReady, sayReady)
	}
	switch fallback, flip := flipped(v1alpha1.ConditionFallback); {
	case flip && fallback:
		normal(eventFallback, sayFallback)
	case flip:
		normal(eventNoFallback, sayNoFallback)
	}
}

// unseen publishes that the size could not be read. All else stays what it was.
func (a *Scaler) unseen(r *loop.Record) {
	if apierrors.IsNotFound(r.Err) || meta.IsNoMatchError(r.Err) {
		a.unfit(fmt.Errorf("%s: %w", badTarget, r.Err))
		what := sayNoTarget
		if errors.Is(r.Err, kube.ErrNotScalable) {
			what = sayNoScale
		}
		a.warn(r.At, hush.Topic{Reason: eventCheckFailed}, what)
		return
	}
	a.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonReplicasUnknown,
		fmt.Sprintf("Error getting current replicas count for ScaleTarget: %v", r.Err))
}

// unfit says that the object cannot be decided on as it is.
func (a *Scaler) unfit(why error) {
	a.condition(v1alpha1.ConditionReady, metav1.ConditionFalse, v1alpha1.ReasonScaledObjectCheckFailed, why.Error())
	a.condition(v1alpha1.ConditionActive, metav1.ConditionUnknown, v1alpha1.ReasonUnknownState, checkFailed)
}

// check publishes that the object cannot be decided on as it is, which is the
// user's to mend: an event tells it, and no retry helps.
func (a *Scaler) check(ctx context.Context, at time.Time, why error) error {
	a.settings.Meter.errs.WithLabelValues(a.key.Namespace, a.key.Name).Inc()
	if a.book.silent {
		return nil
	}
	before := append(v1alpha1.Conditions(nil), a.book.want.Conditions...)
	a.unfit(why)
	a.warn(at, hush.Topic{Reason: eventCheckFailed}, why.Error())
	return a.settle(ctx, at, before)
}

// refuse publishes why the object may not scale its target, and stops reading for it.
func (a *Scaler) refuse(ctx context.Context, t Turn) (time.Time, error) {
	a.eye.triggers.stop()
	a.eye.workload.Release()
	a.invalid = errors.New(t.Refused) // begin anew when it may
	err := a.check(ctx, t.At, a.invalid)
	return a.book.due, err
}

// outcome sends the events of what a decision did.
func (a *Scaler) outcome(r *loop.Record) {
	d := &r.Decision
	target := fmt.Sprintf("%s %s/%s", a.kindOfTarget().GVKString(), a.key.Namespace, a.eye.target.Name)
	e, told := d.ActivationEvent(target, cause(r.Err))
	switch {
	case r.Outcome == loop.Frozen: // nothing was done
	case told && e.Warning:
		a.warn(r.At, hush.Topic{Reason: e.Reason}, e.Message)
	case told:
		a.ports.Events.Event(a.book.stored, corev1.EventTypeNormal, e.Reason, e.Message)
	case r.Outcome == loop.Scaled:
		a.ports.Events.Own(a.book.stored, corev1.EventTypeNormal, "SuccessfulRescale",
			fmt.Sprintf("New size: %d; reason: %s", d.To, reason(d)))
	case r.Outcome == loop.Failed:
		a.warn(r.At, hush.Topic{Reason: "FailedRescale"},
			fmt.Sprintf("New size: %d; reason: %s; error: %v", d.To, reason(d), cause(r.Err)))
	}
	a.failing(r)
}

// failing sends one event a trigger that cannot be read.
func (a *Scaler) failing(r *loop.Record) {
	for i := range r.Seen.Readings {
		reading := &r.Seen.Readings[i]
		topic := hush.Topic{Reason: eventFailed, Signal: reading.Signal}
		if reading.Missing == "" {
			a.book.said.Forget(topic)
			continue
		}
		a.warn(r.At, topic, reading.Missing)
	}
}

// reason is why a size was decided on: in an HPA's words, else in the last rule's.
func reason(d *engine.Decision) string {
	if why := d.Reason(); why != "" {
		return why
	}
	if s, ok := d.Last(); ok {
		return s.Why()
	}
	return ""
}

// watched tells, where nothing is written, what would have been done.
func (a *Scaler) watched(r *loop.Record) {
	if r.Outcome != loop.Observed {
		return
	}
	topic, message := hush.Topic{Reason: "ObservedRescale"}, fmt.Sprintf("New size would be: %d; reason: %s", r.Decision.To, reason(&r.Decision))
	if a.book.said.MaySay(topic, message, r.At) {
		a.ports.Events.Own(a.book.stored, corev1.EventTypeNormal, topic.Reason, message)
	}
}

// warn sends an event unless much the same was said a short while ago.
func (a *Scaler) warn(at time.Time, t hush.Topic, message string) {
	if a.book.said.MaySay(t, message, at) {
		a.ports.Events.Event(a.book.stored, corev1.EventTypeWarning, t.Reason, message)
	}
}

func (a *Scaler) condition(t v1alpha1.ConditionType, status metav1.ConditionStatus, reason, message string) {
	a.book.want.Conditions.Set(t, status, reason, message)
}

// cause is the error under the loop's own words.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
