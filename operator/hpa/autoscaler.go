package hpa

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
)

// Settings are the same for all HPAs.
type Settings struct {
	// Defaults speak where an HPA is silent.
	Defaults policy.Defaults
	// Decide is [engine.Decide] unless set.
	Decide loop.Decide
	// Observe decides about every HPA and writes nothing.
	Observe bool
	// EveryChange writes the status on every change and repeats every event, as
	// upstream does, instead of pacing both. An HPA with a cadence has it too.
	EveryChange bool
	// Post has [Autoscaler.Deliver] called for an HPA soon and not in this turn,
	// and then a turn given. A status is written within the turn if it is nil.
	Post func(types.NamespacedName)
	// Clock tells how long things took.
	Clock func() time.Time
	// Meter counts.
	Meter *Meter
}

// Autoscaler is one HPA under control. It is not safe for concurrent use;
// package schedule gives each its turns one at a time.
type Autoscaler struct {
	key      types.NamespacedName
	ports    *Ports
	settings *Settings
	loop     loop.Loop
	eye      eye
	compiled policy.Compiled
	book     book
	letter   letter

	unwritten error     // why the status that was collected in this turn is not stored
	woken     time.Time // since when the turn under way was wanted, zero by the timer
	began     time.Time // of the turn under way
}

// New returns the autoscaler of an HPA that was not seen before. What its
// status tells of earlier decisions counts: a workload that was put to sleep
// may be woken again. Sync does the rest.
func New(h *autoscalingv2.HorizontalPodAutoscaler, p *Ports, s *Settings) *Autoscaler {
	a := &Autoscaler{key: types.NamespacedName{Namespace: h.Namespace, Name: h.Name}, ports: p, settings: s}
	a.eye = eye{ports: p, workload: measure.Workload{
		Index: p.Pods, Owner: a.key, Resources: p.Resources, Polled: p.ResourcesPolled,
	}}
	a.loop = loop.Loop{Observer: &a.eye, Actuator: a, Recorder: a, Decide: s.Decide, Freeze: a.closed}
	a.loop.Restore(engine.History{
		Asleep: conditions(h.Status.Conditions).is(autoscalingv2.ScaledToZero, corev1.ConditionTrue),
	})
	return a
}

// Restore sets what is known of earlier decisions.
func (a *Autoscaler) Restore(h engine.History) { a.loop.Restore(h) }

// History is what is known of earlier decisions.
func (a *Autoscaler) History() engine.History { return a.loop.History() }

// Compiled is the policy of the last sync.
func (a *Autoscaler) Compiled() policy.Compiled { return a.compiled }

// Sync observes, decides, acts and publishes once, at the given instant, for
// the newest known state of the HPA. Woken is when the reason for this turn
// arose, zero for the clock alone. It returns when the next turn is due if
// nothing happens before; zero means only then.
func (a *Autoscaler) Sync(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler, at, woken time.Time) (time.Time, error) {
	a.woken, a.began = woken, a.settings.Clock()
	if err := a.use(h, at); err != nil {
		return time.Time{}, err
	}
	a.learn(at)
	a.eye.workload.Settle()
	next, err := a.loop.Tick(ctx, at)
	if errors.Is(err, loop.ErrMoved) {
		return at, nil // the size is another by now: decide from it at once
	}
	next = earliest(next, a.eye.workload.Recheck(), a.book.due)
	if c := a.compiled.Cadence; c > 0 {
		next = earliest(next, at.Add(c))
	}
	return next, err
}

// Close gives up what the autoscaler holds elsewhere.
func (a *Autoscaler) Close() {
	a.eye.workload.Release()
	a.settings.Meter.forget(a.key)
	if a.ports.Records != nil {
		a.ports.Records.Forget(a.workload())
	}
}

// workload is the name of the HPA in records.
func (a *Autoscaler) workload() record.Workload {
	return record.Workload{Namespace: a.key.Namespace, Kind: shortKind, Name: a.key.Name}
}

// use makes h the object to work on, and its spec the policy if it changed.
func (a *Autoscaler) use(h *autoscalingv2.HorizontalPodAutoscaler, at time.Time) error {
	first := a.book.stored == nil
	changed := first || specChanged(a.book.seen, h)
	a.book.see(h, at)
	if !changed {
		return nil
	}
	c, err := policy.Compile(h, a.settings.Defaults)
	if err != nil {
		a.book.seen = nil // try again with the next state of the object
		return &policyError{err}
	}
	a.compiled, a.book.reread = c, !first
	a.loop.Use(c.Policy)
	a.loop.Observe = a.settings.Observe || c.Mode == policy.Observe
	a.book.everyChange = a.settings.EveryChange || c.Cadence > 0
	a.eye.sources, a.eye.metrics = c.Sources, h.Spec.Metrics
	a.eye.workload.Forget()
	if target := kube.TargetOf(h.Namespace, h.Spec.ScaleTargetRef); target != a.eye.target {
		a.eye.target, a.eye.scale = target, kube.Scale{}
	}
	return nil
}

// specChanged tells whether two states of an HPA ask for different things.
// Before Kubernetes 1.37 an HPA has no generation to tell it by.
func specChanged(was, is *autoscalingv2.HorizontalPodAutoscaler) bool {
	switch {
	case was == is:
		return false
	case was == nil || was.UID != is.UID || was.Generation != is.Generation:
		return true
	case is.Generation == 0 && !apiequality.Semantic.DeepEqual(&was.Spec, &is.Spec):
		return true
	default:
		return !maps.Equal(was.Annotations, is.Annotations)
	}
}

// policyError is a spec or annotation that makes no sense.
type policyError struct{ err error }

func (e *policyError) Error() string { return e.err.Error() }
func (e *policyError) Unwrap() error { return e.err }

// Scale implements loop.Actuator.
func (a *Autoscaler) Scale(ctx context.Context, _, to int32) error {
	if a.rank(ctx, to); a.closed() != "" {
		return loop.ErrMoved // ranking takes its time: decide again, frozen
	}
	if !a.woken.IsZero() {
		a.settings.Meter.Reacted(a.settings.Clock().Sub(a.woken))
	}
	return a.ports.Scales.Set(ctx, a.eye.scale, to)
}

// earliest is the earliest of some instants, where zero means never.
func earliest(all ...time.Time) (first time.Time) {
	for _, t := range all {
		if first.IsZero() || (!t.IsZero() && t.Before(first)) {
			first = t
		}
	}
	return first
}
