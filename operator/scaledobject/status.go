package scaledobject

import (
	"slices"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// judge sets the conditions that follow from a decision.
func (a *Scaler) judge(r *loop.Record) {
	d := &r.Decision
	set := func(t v1alpha1.ConditionType, c engine.Condition) {
		a.condition(t, metav1.ConditionStatus(c.Status), c.Reason, c.Message)
	}
	pause, isPaused := d.IsPaused()
	ready := d.TriggersReady()
	switch {
	case isPaused: // nobody reads the triggers
		ready = engine.Condition{Status: engine.StatusTrue, Reason: v1alpha1.ReasonScaledObjectReady, Message: v1alpha1.MessageScaledObjectPaused}
	case ready.Status == engine.StatusFalse && a.eye.triggers.fault() != "":
		ready.Reason, ready.Message = v1alpha1.ReasonScaledObjectCheckFailed, a.eye.triggers.fault()
	case r.Outcome == loop.Failed:
		ready = engine.Condition{Status: engine.StatusFalse, Reason: v1alpha1.ReasonErrorScalingTarget, Message: r.Err.Error()}
	}
	set(v1alpha1.ConditionReady, ready)
	if c, ok := d.ScalerActive(); ok {
		set(v1alpha1.ConditionActive, c)
	}
	switch c, ok := engine.FallsBack(r.Policy, a.loop.History()); {
	case ok:
		set(v1alpha1.ConditionFallback, c)
	case a.book.want.Conditions.IsTrue(v1alpha1.ConditionFallback): // there was one
		a.condition(v1alpha1.ConditionFallback, metav1.ConditionFalse, v1alpha1.ReasonNoFallbackFound, v1alpha1.MessageNoFallbackFound)
	}
	act := &r.Policy.Activation
	switch {
	case isPaused:
		set(v1alpha1.ConditionPaused, pause)
	case act.BlockedIn || act.BlockedOut:
		a.condition(v1alpha1.ConditionPaused, metav1.ConditionTrue, v1alpha1.ReasonScaledObjectPaused, v1alpha1.MessageScaledObjectPaused)
	case r.Freeze != "":
		a.condition(v1alpha1.ConditionPaused, metav1.ConditionTrue, api.ReasonFrozen, r.Freeze)
	case a.book.want.Conditions.Get(v1alpha1.ConditionPaused).Reason == api.ReasonFrozen:
		a.condition(v1alpha1.ConditionPaused, metav1.ConditionFalse, api.ReasonUnfrozen, sayUnfrozen)
	case a.book.want.Conditions.IsTrue(v1alpha1.ConditionPaused):
		a.condition(v1alpha1.ConditionPaused, metav1.ConditionFalse, v1alpha1.ReasonScaledObjectUnpaused, sayUnpaused)
	}
}

// fill sets all of the status but the conditions.
func (a *Scaler) fill(r *loop.Record) {
	st, o := &a.book.want, a.book.seen
	kind := a.kindOfTarget()
	st.ScaleTargetKind, st.ScaleTargetGVKR = kind.GVKString(), &kind
	if st.OriginalReplicaCount == nil {
		st.OriginalReplicaCount = new(r.Decision.From)
	}
	st.TriggersTypes = new(v1alpha1.TriggerTypes(o.Spec.Triggers))
	st.AuthenticationsTypes = new(v1alpha1.AuthenticationNames(o.Spec.Triggers))
	if h := a.loop.History(); !h.LastActive.IsZero() && tellsLastActive(r) {
		at := metav1.NewTime(h.LastActive.Truncate(time.Second)) // as it is stored
		st.LastActiveTime = &at
	}
	st.PausedReplicaCount = nil
	if p := r.Policy.Pause; p.On && p.At {
		st.PausedReplicaCount = new(p.Replicas)
	}
	if r.Policy.Pause.On {
		return // triggers are not read
	}
	a.names(&r.Policy)
	a.health(r)
	st.TriggersActivity = nil
	for _, s := range r.Decision.Activity {
		if st.TriggersActivity == nil {
			st.TriggersActivity = make(map[string]v1alpha1.TriggerActivityStatus, len(r.Decision.Activity))
		}
		st.TriggersActivity[s.Signal] = v1alpha1.TriggerActivityStatus{IsActive: s.Activity == engine.Active}
	}
}

// tellsLastActive says whether the status takes over when there was last work.
// As KEDA's, it stands still while a trigger fails or the object cannot be
// woken. The cooldown goes by what is known: an object that is no longer active
// tells it, so that whoever goes on from the status cuts none short.
func tellsLastActive(r *loop.Record) bool {
	active, _ := r.Decision.ScalerActive()
	return active.Status != engine.StatusTrue || r.Outcome != loop.Failed && r.Decision.MovesLastActive()
}

// names lists what is measured.
func (a *Scaler) names(p *engine.Policy) {
	st := &a.book.want
	st.ExternalMetricNames, st.ResourceMetricNames, st.CompositeScalerName = nil, nil, ""
	if p.Composite.Formula != nil {
		st.CompositeScalerName = p.Composite.Signal
	}
	sensors := p.Sensors()
	for i := range sensors {
		if sensors[i].Kind != engine.PerPod {
			st.ExternalMetricNames = append(st.ExternalMetricNames, sensors[i].Name)
			continue
		}
		if name := string(a.compiled.Sources[i].Resource); !slices.Contains(st.ResourceMetricNames, name) {
			st.ResourceMetricNames = append(st.ResourceMetricNames, name)
		}
	}
}

// health says how each trigger's metric does: of an object with a fallback all,
// as KEDA has it, else those that fail.
func (a *Scaler) health(r *loop.Record) {
	health, h := make(map[string]v1alpha1.HealthStatus), a.loop.History()
	sensors := r.Policy.Sensors()
	for i := range sensors {
		s := &sensors[i]
		if s.Kind == engine.PerPod || i >= len(r.Seen.Readings) {
			continue
		}
		switch failing := r.Seen.Readings[i].Missing != ""; {
		case failing && r.Policy.Fallback.On:
			health[s.Name] = v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusFailing, NumberOfFailures: new(h.FailuresOf(s.Name))}
		case failing:
			health[s.Name] = v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusFailing, NumberOfFailures: new(a.failures(i))}
		case r.Policy.Fallback.On:
			health[s.Name] = v1alpha1.HealthStatus{Status: v1alpha1.HealthStatusHappy, NumberOfFailures: new(int32(0))}
		}
	}
	a.book.want.Health = nil
	if len(health) > 0 {
		a.book.want.Health = health
	}
}

// failures counts how often the trigger behind a sensor failed in a row; one
// that cannot even be asked failed once.
func (a *Scaler) failures(sensor int) int32 {
	h := &a.eye.triggers.all[a.compiled.Sources[sensor].Trigger]
	if h.lease == nil {
		return 1
	}
	return int32(min(max(h.lease.Last().Failures, 1), most))
}

// most failures worth counting: the number is for people.
const most = 1 << 20

// kindOfTarget is the kind and resource of what is scaled.
func (a *Scaler) kindOfTarget() v1alpha1.GroupVersionKindResource {
	gv, err := schema.ParseGroupVersion(a.eye.target.APIVersion)
	if err != nil {
		gv = schema.GroupVersion{Version: a.eye.target.APIVersion}
	}
	return v1alpha1.GroupVersionKindResource{
		Group: gv.Group, Version: gv.Version, Kind: a.eye.target.Kind, Resource: a.eye.scale.Resource.Resource,
	}
}
