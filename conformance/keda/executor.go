package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/policy"
)

// requestInput is what one step of KEDA's executor started from.
type requestInput struct {
	Object       json.RawMessage `json:"scaled_object"`
	AnyActive    bool            `json:"any_trigger_active"`
	AnyError     bool            `json:"any_trigger_error"`
	Active       []string        `json:"active_triggers"`
	Pushed       string          `json:"push_scaler_metric"`
	Replicas     int32           `json:"current_replicas"`
	ReplicaError *string         `json:"current_replicas_error"`
	HPA          *readHPA        `json:"hpa"`
}

// requestExpected is what the step came to.
type requestExpected struct {
	Effects    []effect            `json:"effects"`
	Conditions v1alpha1.Conditions `json:"conditions"`
	LastActive *string             `json:"last_active_time"`
	Paused     *int32              `json:"pause_replicas"`
	Activity   map[string]active   `json:"triggers_activity"`
	Error      *string             `json:"error"`
}

type active = v1alpha1.TriggerActivityStatus

// replayRequest lets the operator decide where an HPA has the sizes from the
// minimum up, as KEDA's executor leaves them to one.
func replayRequest(ctx context.Context, r Record, o Options) ([]string, error) {
	in, exp, err := into[requestInput, requestExpected](r, "effects", "conditions", "last_active_time", "pause_replicas", "triggers_activity", "error")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: in.Replicas, off: o.Without, byHPA: true}
	if s.object, err = scaledObject(in.Object, s.at); err != nil {
		return nil, err
	}
	in.HPA.put(s)
	s.kindless = s.object.Status.ScaleTargetKind == ""
	if in.ReplicaError != nil {
		s.sizeErr = errors.New(*in.ReplicaError)
	}
	for _, e := range exp.Effects {
		if e.SetReplicas != nil {
			s.refusals = append(s.refusals, errorOf(e.Error))
		}
	}
	s.answerTo(in.Active, in.Pushed)
	s.bystanders(some{in.AnyActive, in.AnyError})
	s.declare()
	before := *s.object.Status.DeepCopy()
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	if why := s.refused(); why != "" {
		return []string{"object: refused: " + why}, nil
	}
	return s.compareRequest(&exp, &before), nil
}

func errorOf(text *string) error {
	if text == nil {
		return nil
	}
	return errors.New(*text)
}

// answerTo makes the triggers that the object and its status name active or
// not. Of a push only its own trigger is news: the others are as the status says.
func (s *stage) answerTo(actives []string, pushed string) {
	names := s.object.Status.ExternalMetricNames
	for i := range s.object.Spec.Triggers {
		t := answer{kind: s.object.Spec.Triggers[i].Type}
		if isResource(t.kind) {
			s.triggers = append(s.triggers, t)
			continue
		}
		t.active = new(false)
		if len(names) > 0 {
			t = s.named(names[0], actives, pushed)
			names = names[1:]
		}
		s.triggers = append(s.triggers, t)
	}
	for _, name := range names {
		s.triggers = append(s.triggers, s.named(name, actives, pushed))
	}
	for _, name := range actives {
		if s.place(name) < 0 {
			t := s.named(name, actives, pushed)
			t.unlisted = true
			s.triggers = append(s.triggers, t)
		}
	}
}

func (s *stage) named(name string, actives []string, pushed string) answer {
	t := answer{kind: "external", metric: plainName(name), calledInRecord: name, active: new(slices.Contains(actives, name))}
	switch {
	case pushed == name:
		t.kind, t.pushes = "external-push", *t.active
	case pushed != "":
		t.active = new(s.object.Status.TriggersActivity[name].IsActive)
	}
	return t
}

// some is what a record says of some trigger and not of which.
type some struct{ active, failing bool }

// bystanders add triggers for that.
func (s *stage) bystanders(of some) {
	isActive := func(t answer) bool { return t.active != nil && *t.active }
	if of.active && !slices.ContainsFunc(s.triggers, isActive) {
		s.bystander(answer{active: new(true)})
	}
	idle := slices.IndexFunc(s.triggers, func(t answer) bool { return t.active != nil && !*t.active })
	switch {
	case of.failing && idle >= 0:
		s.triggers[idle].err = errBroken
	case of.failing:
		s.bystander(answer{err: errBroken})
	case len(s.triggers) == 0:
		s.bystander(answer{active: new(false)})
	}
}

func (s *stage) bystander(t answer) {
	t.kind, t.metric, t.bystander = "external", "bystander", true
	s.triggers = append(s.triggers, t)
}

func (s *stage) compareRequest(exp *requestExpected, before *v1alpha1.ScaledObjectStatus) []string {
	st := s.after()
	d := same.Differences("effects", orEmpty(exp.Effects), s.told(exp.Effects))
	d = append(d, s.conditions(exp.Conditions, before.Conditions)...)
	last := st.LastActiveTime
	switch {
	case exp.LastActive != nil && *exp.LastActive == "now":
		d = append(d, same.Differences("last_active_time", s.at, last)...)
	case exp.LastActive != nil:
		d = append(d, fmt.Sprintf("last_active_time: %q is not known to the runner", *exp.LastActive))
	default:
		d = append(d, same.Differences("last_active_time", before.LastActiveTime, last)...)
	}
	d = append(d, same.Differences("pause_replicas", exp.Paused, st.PausedReplicaCount)...)
	if !s.record.Policy.Pause.On { // neither asks the triggers of a paused object: KEDA ends the loop before this step
		d = append(d, s.compareActivity(exp.Activity)...)
	}
	return append(d, same.Differences("error", exp.Error != nil, false)...)
}

// told are the effects as the step would have them: what KEDA's other parts
// tell is left out, and so is what the record's object has no words for.
func (s *stage) told(exp []effect) []effect {
	out := []effect{}
	for _, e := range s.effects {
		if e.Event == nil {
			out = append(out, e)
			continue
		}
		if !strings.HasPrefix(e.Event.Reason, "KEDAScaleTarget") {
			continue
		}
		if s.kindless {
			e.Event.Message = strings.ReplaceAll(e.Event.Message, "apps/v1.Deployment", "")
		}
		for i := range s.triggers { // a bystander has no name in the record
			e.Event.Message = strings.ReplaceAll(e.Event.Message, s.signal(i), s.triggers[i].calledInRecord)
		}
		if at := len(out); at < len(exp) && exp[at].Event != nil && e.Event.Type == "Warning" &&
			strings.HasPrefix(e.Event.Message, exp[at].Event.Message) {
			e.Event.Message = exp[at].Event.Message // ours goes on with the cause
		}
		out = append(out, e)
	}
	return out
}

// conditions compares those that the step sets. Active stays as it was where
// the step does not set it; what else changes is what other parts of KEDA set.
func (s *stage) conditions(exp, before v1alpha1.Conditions) []string {
	var d []string
	got := s.after().Conditions
	for _, c := range exp {
		is := got.Get(c.Type)
		if c.Type == v1alpha1.ConditionReady && s.record.Policy.Pause.On {
			is.Message = c.Message // that it is paused is what KEDA's reconciler says there
		}
		d = append(d, same.Differences("condition "+string(c.Type), c, is)...)
	}
	if exp.Get(v1alpha1.ConditionActive).Type == "" {
		d = append(d, same.Differences("condition Active", before.Get(v1alpha1.ConditionActive), got.Get(v1alpha1.ConditionActive))...)
	}
	return d
}

// compareActivity compares by Furl's names of the metrics.
func (s *stage) compareActivity(exp map[string]active) []string {
	want, got := map[string]active{}, map[string]active{}
	for name, a := range exp {
		i := s.place(name)
		if i < 0 {
			return []string{fmt.Sprintf("triggers_activity: no trigger measures %s", name)}
		}
		want[s.signal(i)] = a
	}
	maps.Copy(got, s.after().TriggersActivity)
	for i := range s.triggers {
		if s.triggers[i].bystander || s.triggers[i].unlisted {
			delete(got, s.signal(i))
		}
	}
	return same.Differences("triggers_activity", want, got)
}

func orEmpty[T any](l []T) []T {
	if l == nil {
		return []T{}
	}
	return l
}

// replayActivity asks for the activity of each trigger alone.
func replayActivity(ctx context.Context, r Record, o Options) ([]string, error) {
	type input struct {
		Status json.RawMessage `json:"status"`
		Active []string        `json:"active_triggers"`
		Pushed string          `json:"push_scaler_metric"`
	}
	type expected struct {
		Activity map[string]active `json:"triggers_activity"`
	}
	in, exp, err := into[input, expected](r, "triggers_activity")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, off: o.Without}
	if s.object, err = scaledObject(json.RawMessage(fmt.Sprintf(`{"status":%s}`, in.Status)), s.at); err != nil {
		return nil, err
	}
	s.answerTo(in.Active, in.Pushed)
	s.bystanders(some{})
	s.declare()
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	return s.compareActivity(exp.Activity), nil
}

// replayRest asks which size an object rests at, and whether it is an idle one.
func replayRest(_ context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Spec json.RawMessage `json:"scaled_object_spec"`
	}
	type expected struct {
		Idles    bool  `json:"uses_idle_replica_count"`
		Replicas int32 `json:"replicas"`
	}
	in, exp, err := into[input, expected](r, "uses_idle_replica_count", "replicas")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now()}
	if s.object, err = scaledObject(json.RawMessage(fmt.Sprintf(`{"spec":%s}`, in.Spec)), s.at); err != nil {
		return nil, err
	}
	s.bystanders(some{})
	s.declare()
	c, err := policy.CompileScaledObject(s.object, make([]policy.Trigger, len(s.object.Spec.Triggers)), policy.UpstreamDefaults())
	if err != nil {
		return nil, err
	}
	got := expected{c.Policy.Activation.Idles, c.Policy.Min}
	if got.Idles {
		got.Replicas = c.Policy.Activation.Idle
	}
	return same.Differences("rest", exp, got), nil
}
