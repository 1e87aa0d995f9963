package scaledobject

import (
	"context"
	"errors"
	"maps"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/operator/hush"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	apiequality "k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"
)

// shortKind names the objects in records and metrics.
const shortKind = "scaledobject"

// PodsOwner is the name under which an object selects pods: an HPA may have
// the object's own, and no name of an HPA has a slash.
func PodsOwner(key types.NamespacedName) types.NamespacedName {
	return types.NamespacedName{Namespace: key.Namespace, Name: ownerPrefix + key.Name}
}

const ownerPrefix = shortKind + "/"

// Scaler is one ScaledObject under control. It is not safe for concurrent use;
// package schedule gives each its turns one at a time.
type Scaler struct {
	key      types.NamespacedName
	ports    *Ports
	settings *Settings
	notify   func() // called when a trigger has something new
	loop     loop.Loop
	eye      eye
	compiled policy.Compiled
	book     book

	byHPA bool // sizes from the minimum up are an HPA's
	hpa   made

	invalid error     // why the object cannot be decided on
	lost    bool      // the size could not be read at the last turn
	woken   time.Time // since when the turn under way was wanted, zero by the timer
}

// New returns the scaler of an object that was not seen before. What its
// status tells of earlier decisions counts from the first turn on, see [policy.Resume].
func New(o *v1alpha1.ScaledObject, p *Ports, s *Settings, notify func()) *Scaler {
	a := &Scaler{key: keyOf(o), ports: p, settings: s, notify: notify, loop: loop.Loop{Decide: s.Decide}}
	a.loop.Freeze = func() string { return p.closed(a.key.Namespace) }
	a.eye = eye{ports: p, workload: measure.Workload{
		Index: p.Pods, Owner: PodsOwner(a.key), Resources: p.Resources, Polled: p.ResourcesPolled,
	}}
	return a
}

// Turn is what a controller knows about a turn.
type Turn struct {
	At time.Time
	// Woken is when the reason for the turn arose, zero for the clock alone.
	Woken time.Time
	// Refused is why the object may not scale its target; empty: it may.
	Refused string
	// Observe says that Furl decides and records, and writes nothing.
	Observe bool
	// Resolve asks for what the triggers refer to again.
	Resolve bool
}

// Sync observes, decides, acts and publishes once, for the newest known state
// of the object. It returns when the next turn is due if nothing happens
// before; zero means only then.
func (a *Scaler) Sync(ctx context.Context, o *v1alpha1.ScaledObject, t Turn) (time.Time, error) {
	a.woken = t.Woken
	a.loop.Observer, a.loop.Actuator, a.loop.Recorder = &a.eye, a, a
	first := a.book.stored == nil
	changed := first || specChanged(a.book.seen, o)
	a.book.see(o)
	if first {
		a.loop.Restore(policy.Resume(o, t.At))
		a.settings.Meter.registered(o)
	}
	a.book.silent, a.loop.Observe = t.Observe, t.Observe
	a.byHPA = actuation.ByHPA(o, a.settings.Actuation)
	if t.Refused != "" {
		return a.refuse(ctx, t)
	}
	if a.isUndelegated(o) { // before anything is written by another hand
		if err := a.takeAway(ctx); err != nil {
			return time.Time{}, err
		}
	}
	if changed || t.Resolve || a.eye.triggers.learn() || a.invalid != nil || a.doubts(t.At) {
		a.use(ctx, o, t.At)
	}
	if first && wasActive(o) && !a.eye.triggers.wait(t.At).IsZero() {
		a.ports.Sources.Refresh(o.Identifier()) // before those that sleep
	}
	if a.invalid != nil {
		return a.book.due, a.check(ctx, t.At, a.invalid)
	}
	if until := a.eye.triggers.wait(t.At); !until.IsZero() {
		return until, nil
	}
	return a.tick(ctx, t.At)
}

func (a *Scaler) tick(ctx context.Context, at time.Time) (time.Time, error) {
	a.eye.workload.Settle()
	next, err := a.loop.Tick(ctx, at)
	if errors.Is(err, loop.ErrMoved) {
		return at, nil // the size is another by now: decide from it at once
	}
	if err == nil {
		a.eye.settle()
	}
	next = earliest(next, a.eye.workload.Recheck(), a.eye.triggers.doubt(), a.book.due)
	if c := a.compiled.Cadence; c > 0 {
		next = earliest(next, at.Add(c))
	}
	return next, err
}

// use makes o's spec and annotations the policy.
func (a *Scaler) use(ctx context.Context, o *v1alpha1.ScaledObject, at time.Time) {
	if o.IsPaused() {
		a.eye.triggers.stop() // nothing is asked that nobody decides on
		a.eye.triggers.all = make([]held, len(o.Spec.Triggers))
	} else {
		a.eye.triggers.use(ctx, a.ports, o, at, a.notify)
	}
	c, err := a.compile(o)
	a.settings.Meter.triggers(o, c.Sources)
	if a.invalid = err; err != nil {
		return
	}
	c.Policy.Activation.Only = a.byHPA
	if a.byHPA && c.Policy.Activation.ByBehavior {
		c.Warnings = append(c.Warnings, sayByBehavior)
	}
	a.compiled, a.hpa.want = c, nil
	a.loop.Use(c.Policy)
	a.eye.sources = c.Sources
	a.eye.workload.Forget()
	if !needsPods(&c.Policy, c.Policy.Sensors()) {
		a.eye.workload.Release()
	}
	a.aim(targetOf(o))
	for _, w := range c.Warnings {
		a.warn(at, hush.Topic{Reason: eventInfo, Signal: w}, w)
	}
}

func (a *Scaler) compile(o *v1alpha1.ScaledObject) (policy.Compiled, error) {
	if err := o.Validate(); err != nil {
		return policy.Compiled{}, err
	}
	return policy.CompileScaledObject(o, a.eye.triggers.policies(), a.settings.Defaults)
}

// aim makes a workload the target. The size to restore is that of the workload
// it replaces no longer.
func (a *Scaler) aim(target kube.Target) {
	if target == a.eye.target {
		return
	}
	if a.eye.target.Name != "" {
		a.book.want.OriginalReplicaCount = nil
	}
	a.eye.target, a.eye.scale = target, kube.Scale{}
}

// specChanged tells whether two states of an object ask for different things.
func specChanged(was, is *v1alpha1.ScaledObject) bool {
	return was == nil || was.UID != is.UID || was.Generation != is.Generation || !maps.Equal(was.Annotations, is.Annotations) ||
		is.Generation == 0 && !apiequality.Semantic.DeepEqual(&was.Spec, &is.Spec) // a server that does not count
}

// Scale implements loop.Actuator.
func (a *Scaler) Scale(ctx context.Context, _, to int32) error {
	if a.rank(ctx, to); a.ports.closed(a.key.Namespace) != "" {
		return loop.ErrMoved // ranking takes its time: decide again, frozen
	}
	if !a.woken.IsZero() {
		a.settings.Meter.Reacted(a.settings.Clock().Sub(a.woken))
	}
	return a.ports.Scales.Move(ctx, a.eye.scale, to)
}

// Close gives up what the scaler holds elsewhere.
func (a *Scaler) Close() {
	a.eye.triggers.stop()
	a.eye.workload.Release()
	a.ports.Inputs.Forget(a.key)
	a.settings.Meter.forget(a.key)
	if a.ports.Records != nil {
		a.ports.Records.Forget(a.workload())
	}
}

// Rest gives up what the scaler holds and forgets what it knew: the next turn begins anew.
func (a *Scaler) Rest() {
	if a.book.stored == nil {
		return
	}
	a.Close()
	*a = *New(a.book.stored, a.ports, a.settings, a.notify)
}

// workload is the name of the object in records.
func (a *Scaler) workload() record.Workload {
	return record.Workload{Namespace: a.key.Namespace, Kind: shortKind, Name: a.key.Name}
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
