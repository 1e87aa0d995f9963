package hpa

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/hush"
	"github.com/furl-dev/furl/operator/measure"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Record implements loop.Recorder: it tells the world what a turn came to, in
// upstream's order: events of failing signals, the new size, the status.
func (a *Autoscaler) Record(ctx context.Context, r loop.Record) error {
	if errors.Is(r.Err, loop.ErrMoved) {
		return nil // the next turn says what became of it
	}
	meter := a.settings.Meter
	meter.Decided(shortKind, a.key, &r)
	if a.ports.Records != nil {
		a.ports.Records.Keep(a.workload(), r)
	}
	if a.loop.Observe {
		a.watched(&r)
		return nil
	}
	before := a.book.want.CurrentReplicas
	if r.Outcome == loop.Unseen {
		a.unseen(&r)
	} else {
		a.seen(&r)
	}
	err := a.write(ctx, r.At)
	a.summarise(&r)
	a.count(&r, before, err)
	return err
}

// unseen publishes that the size could not be read. Only the condition says
// so; sizes and metrics stay what they were.
func (a *Autoscaler) unseen(r *loop.Record) {
	a.warn(r, hush.Topic{Reason: "FailedGetScale"}, r.Err.Error())
	a.condition(r, verdict{
		autoscalingv2.AbleToScale, corev1.ConditionFalse, "FailedGetScale",
		fmt.Sprintf("the HPA controller was unable to get the target's current scale: %v", r.Err),
	})
}

// seen publishes a decision and its outcome.
func (a *Autoscaler) seen(r *loop.Record) {
	able := a.ableToScale()
	a.condition(r, verdict{
		autoscalingv2.AbleToScale, corev1.ConditionTrue, "SucceededGetScale",
		"the HPA controller was able to get the target's current scale",
	})
	st := &a.book.want
	desired := st.DesiredReplicas
	switch d := &r.Decision; {
	case r.Unread != nil:
		a.unreadable(r)
	case d.Held:
		a.failing(r)
		a.inactive(r)
	default:
		a.failing(r)
		a.judge(r)
		if a.outcome(r) {
			desired = d.To
			a.settings.Meter.wants(a.key, desired)
		}
	}
	a.frozen(r, able)
	generation := a.book.seen.Generation // of the spec that was decided by
	st.CurrentReplicas, st.DesiredReplicas, st.ObservedGeneration = r.Decision.From, desired, &generation
	st.CurrentMetrics = a.metricStatuses(r)
}

// judge sets the conditions that follow from the decision alone.
func (a *Autoscaler) judge(r *loop.Record) {
	d := &r.Decision
	if v, ok := d.ScalingActive(); ok {
		a.condition(r, verdictOf(autoscalingv2.ScalingActive, v))
	}
	if v, ok := d.AbleToScale(); ok {
		a.condition(r, verdictOf(autoscalingv2.AbleToScale, v))
	}
	if v, ok := d.ScalingLimited(); ok {
		a.condition(r, verdictOf(autoscalingv2.ScalingLimited, v))
	}
}

// outcome publishes what came of a decision and tells whether it holds.
func (a *Autoscaler) outcome(r *loop.Record) bool {
	d := &r.Decision
	switch r.Outcome {
	case loop.Scaled:
		now := metav1.NewTime(r.At.Truncate(time.Second))
		a.book.want.LastScaleTime = &now
		a.condition(r, verdict{
			autoscalingv2.AbleToScale, corev1.ConditionTrue, "SucceededRescale",
			fmt.Sprintf("the HPA controller was able to update the target scale to %d", d.To),
		})
		a.ports.Events.Event(a.book.stored, corev1.EventTypeNormal, "SuccessfulRescale",
			fmt.Sprintf("New size: %d; reason: %s", d.To, d.Reason()))
		a.condition(r, verdictOf(autoscalingv2.ScaledToZero, engine.ScaledToZero(a.loop.History())))
		return true
	case loop.Failed:
		err := cause(r.Err)
		a.ports.Events.Event(a.book.stored, corev1.EventTypeWarning, "FailedRescale",
			fmt.Sprintf("New size: %d; reason: %s; error: %v", d.To, d.Reason(), err))
		a.condition(r, verdict{
			autoscalingv2.AbleToScale, corev1.ConditionFalse, "FailedUpdateScale",
			fmt.Sprintf("the HPA controller was unable to update the target scale: %v", err),
		})
		return false
	case loop.Unchanged, loop.Observed, loop.Frozen, loop.Unseen:
		return true
	default:
		return true
	}
}

// unreadable publishes why no signal could be read at all.
func (a *Autoscaler) unreadable(r *loop.Record) {
	f := measure.FaultOf(r.Unread)
	if f == nil {
		return
	}
	a.warn(r, hush.Topic{Reason: f.Event}, f.Text)
	a.condition(r, verdict{autoscalingv2.ScalingActive, corev1.ConditionFalse, f.Condition, f.Message})
}

// failing sends one event a signal that made no proposal.
func (a *Autoscaler) failing(r *loop.Record) {
	for i := range r.Decision.Proposals {
		if m := r.Decision.Proposals[i].Missing; m != "" {
			src := &a.compiled.Sources[i]
			a.warn(r, hush.Topic{Reason: failureReason(src.Kind), Signal: src.Signal}, shortFailure(&r.Policy.Signals[i], src, m))
		}
	}
}

// inactive publishes that failing signals hold the size.
func (a *Autoscaler) inactive(r *loop.Record) {
	if _, i := r.Decision.Invalid(); i >= 0 {
		src := &a.compiled.Sources[i]
		a.condition(r, verdict{
			autoscalingv2.ScalingActive, corev1.ConditionFalse, failureReason(src.Kind),
			engine.Uncomputed(shortFailure(&r.Policy.Signals[i], src, r.Decision.Proposals[i].Missing)),
		})
	}
}

// summarise sends the event that closes a turn without a decision.
func (a *Autoscaler) summarise(r *loop.Record) {
	switch {
	case r.Unread != nil:
		a.warn(r, hush.Topic{Reason: "FailedComputeMetricsReplicas"}, r.Unread.Error())
	case r.Decision.Held:
		if why := a.invalid(r); why != "" {
			a.warn(r, hush.Topic{Reason: "FailedComputeMetricsReplicas"}, why)
		}
	}
}

// invalid sums up the failing signals; empty when none fails.
func (a *Autoscaler) invalid(r *loop.Record) string {
	_, i := r.Decision.Invalid()
	if i < 0 {
		return ""
	}
	why := longFailure(&r.Policy.Signals[i], &a.compiled.Sources[i], r.Decision.Proposals[i].Missing)
	return r.Decision.InvalidMetrics(why)
}

// count adds the turn to the metrics. Before is the size of the status before it.
func (a *Autoscaler) count(r *loop.Record, before int32, writeErr error) {
	meter, took := a.settings.Meter, a.settings.Clock().Sub(a.began)
	failed := noFailure
	if r.Unread == nil {
		for i := range r.Decision.Proposals {
			p := &r.Decision.Proposals[i]
			did, f := actionOf(before, p.Replicas), noFailure
			if p.Missing != "" {
				did, f = noAction, failureOf(a.compiled.Sources[i].Kind)
				if failed == noFailure {
					failed = f
				}
			}
			meter.computed(did, f, took, a.compiled.Sources[i].Kind)
		}
	}
	switch {
	case errors.Is(r.Err, kube.ErrTargetVersion):
		failed = specFailure
	case failed == noFailure && (r.Err != nil || r.Unread != nil):
		failed = internalFailure
	case writeErr != nil && r.Err == nil && r.Unread == nil && !r.Decision.Held:
		failed = internalFailure // as upstream: the last error counts
	}
	did := noAction
	if r.Outcome == loop.Scaled {
		did = actionOf(r.Decision.From, r.Decision.To)
	}
	meter.reconciled(did, failed, took)
}

// watched tells, in observe mode, what would have been done: the status
// belongs to whoever scales the workload.
func (a *Autoscaler) watched(r *loop.Record) {
	if r.Outcome != loop.Observed {
		return
	}
	d := &r.Decision
	a.say(r, corev1.EventTypeNormal, hush.Topic{Reason: "ObservedRescale"}, fmt.Sprintf("New size would be: %d; reason: %s", d.To, d.Reason()))
}

func (a *Autoscaler) warn(r *loop.Record, t hush.Topic, message string) {
	a.say(r, corev1.EventTypeWarning, t, message)
}

// say sends an event unless much the same was said a short while ago.
func (a *Autoscaler) say(r *loop.Record, kind string, t hush.Topic, message string) {
	if a.book.maySay(t, message, r.At) {
		a.ports.Events.Event(a.book.stored, kind, t.Reason, message)
	}
}

func (a *Autoscaler) condition(r *loop.Record, v verdict) {
	(*conditions)(&a.book.want.Conditions).set(v, r.At)
}

func verdictOf(kind autoscalingv2.HorizontalPodAutoscalerConditionType, v engine.Verdict) verdict {
	status := corev1.ConditionFalse
	if v.True {
		status = corev1.ConditionTrue
	}
	return verdict{kind, status, v.Reason, v.Message}
}

func actionOf(from, to int32) action {
	switch {
	case to > from:
		return scaleUp
	case to < from:
		return scaleDown
	default:
		return noAction
	}
}

// failureOf is a mistake in the spec for a metric type that does not exist.
func failureOf(k autoscalingv2.MetricSourceType) failure {
	if failureReason(k) == "InvalidMetricSourceType" {
		return specFailure
	}
	return internalFailure
}

// cause is the error under the loop's own words, which users know by heart from upstream.
func cause(err error) error {
	if inner := errors.Unwrap(err); inner != nil {
		return inner
	}
	return err
}
