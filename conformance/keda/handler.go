package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// handled is what KEDA's handler of an object started from.
type handled struct {
	Object    json.RawMessage   `json:"scaled_object"`
	Requested string            `json:"requested_metric"`
	Polled    map[string]polled `json:"polled_metric_records"`
	Triggers  []handledTrigger  `json:"triggers"`
}

// polled is what the last poll noted of a metric.
type polled struct {
	Metrics []metric `json:"metrics"`
	Active  bool     `json:"active"`
	Error   *string  `json:"error"`
}

type handledTrigger struct {
	Name    string       `json:"name"`
	Type    string       `json:"type"`
	Cached  bool         `json:"use_cached_metrics"`
	Specs   []metricSpec `json:"metric_specs"`
	Answers []struct {
		Asked string `json:"asked_metric"`
		polled
	} `json:"answers"`
}

// set makes the stage of the handler's triggers.
func (h *handled) set(s *stage) (err error) {
	if s.object, err = scaledObject(h.Object, s.at); err != nil {
		return err
	}
	s.object.Spec.Triggers = nil
	for i := range h.Triggers {
		t, err := h.answer(&h.Triggers[i])
		if err != nil {
			return err
		}
		s.triggers = append(s.triggers, t)
	}
	if len(s.triggers) == 0 {
		s.bystanders(some{})
	}
	s.unmodified()
	s.declare()
	return nil
}

// unmodified leaves out scalingModifiers that there is nothing for: no formula,
// or no trigger that one can use. Both programs refuse such objects, and KEDA's
// functions take them for objects without.
func (s *stage) unmodified() {
	a := s.object.Spec.Advanced
	used := slices.ContainsFunc(s.triggers, func(t answer) bool { return !isResource(t.kind) })
	if a != nil && (a.ScalingModifiers.Formula == "" || !used) {
		a.ScalingModifiers = v1alpha1.ScalingModifiers{}
	}
}

func (h *handled) answer(t *handledTrigger) (answer, error) {
	if len(t.Specs) != 1 {
		return answer{}, fmt.Errorf("trigger %q measures %d metrics; the runner knows triggers with one", t.Name, len(t.Specs))
	}
	spec := &t.Specs[0]
	if spec.External == nil && spec.Resource == nil {
		return answer{}, errors.New("a metric is neither external nor of a resource")
	}
	if spec.External == nil {
		return answer{kind: spec.Resource.Name, name: t.Name}, nil
	}
	name := spec.External.Metric.Name
	a := answer{kind: "external", name: t.Name, metric: plainName(name), calledInRecord: name, silent: true}
	a.aim(spec.External.Target)
	if p, ok := h.Polled[name]; ok && t.Cached {
		a.say(name, p)
		return a, nil
	}
	for _, said := range t.Answers {
		if said.Asked == name {
			a.say(name, said.polled)
		}
	}
	return a, nil
}

// say makes the trigger answer as a poll was answered.
func (t *answer) say(name string, p polled) {
	t.silent, t.err, t.active = false, errorOf(p.Error), new(p.Active)
	for _, m := range p.Metrics {
		if m.Name == name {
			t.value = m.Value.AsApproximateFloat64()
		}
	}
}

// replayAnswer asks for the values that decide, where KEDA answers its HPA.
func replayAnswer(ctx context.Context, r Record, o Options) ([]string, error) {
	type expected struct {
		Metrics []metric `json:"metrics"`
		Error   *string  `json:"error"`
	}
	in, exp, err := into[handled, expected](r, "metrics", "error")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, ready: 1, off: o.Without}
	if err := in.set(s); err != nil {
		return nil, err
	}
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	got, asked := s.measured(), strings.Split(in.Requested, ";")
	for name := range got {
		if !slices.Contains(asked, name) {
			delete(got, name)
		}
	}
	d := same.Differences("metrics", milli(exp.Metrics), got)
	return append(d, same.Differences("error", exp.Error != nil, len(got) == 0)...), nil
}

// replayState asks whether an object is active and whether its triggers fail.
func replayState(ctx context.Context, r Record, o Options) ([]string, error) {
	type expected struct {
		Active  bool     `json:"is_active"`
		Failing bool     `json:"is_error"`
		Actives []string `json:"active_triggers"`
	}
	in, exp, err := into[handled, expected](r, "is_active", "is_error", "active_triggers", "error")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, ready: 1, off: o.Without}
	if err := in.set(s); err != nil {
		return nil, err
	}
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	if why := s.refused(); why != "" {
		return []string{"object: refused: " + why}, nil
	}
	c, _ := s.record.Decision.ScalerActive()
	got := expected{Active: c.Status == engine.StatusTrue, Actives: []string{}}
	for _, a := range s.record.Decision.Activity {
		got.Failing = got.Failing || a.Activity == engine.ActivityUnknown
	}
	for _, name := range s.record.Decision.ActiveSignals() {
		for i := range s.triggers {
			if s.signal(i) == name && s.triggers[i].calledInRecord != "" {
				name = s.triggers[i].calledInRecord
			}
		}
		got.Actives = append(got.Actives, name)
	}
	exp.Actives = orEmpty(exp.Actives)
	slices.Sort(got.Actives)
	slices.Sort(exp.Actives)
	return same.Differences("state", exp, got), nil
}

// written is the part of a status that a decision may change.
type written struct {
	LastActive *string             `json:"lastActiveTime"`
	Activity   map[string]active   `json:"triggersActivity"`
	Conditions v1alpha1.Conditions `json:"conditions"`
}

// replayStatus lets the operator write what a decision comes to into a status.
func replayStatus(ctx context.Context, r Record, o Options) ([]string, error) {
	type input struct {
		Stored json.RawMessage `json:"stored_status"`
		Result json.RawMessage `json:"result"`
	}
	type expected struct {
		Patches int     `json:"status_patches"`
		After   written `json:"status_after"`
	}
	in, exp, err := into[input, expected](r, "status_patches", "status_after")
	if err != nil {
		return nil, err
	}
	var want written
	if err := errors.Join(json.Unmarshal(orEmptyObject(in.Result), &want),
		understood(orEmptyObject(in.Result), []string{"lastActiveTime", "triggersActivity", "conditions"})); err != nil {
		return nil, fmt.Errorf("result: %w", err)
	}
	s := &stage{at: now(), size: 1, off: o.Without}
	if s.object, err = scaledObject(json.RawMessage(fmt.Sprintf(`{"status":%s}`, orEmptyObject(in.Stored))), s.at); err != nil {
		return nil, err
	}
	for name, a := range want.Activity {
		s.triggers = append(s.triggers, answer{kind: "external", metric: plainName(name), calledInRecord: name, active: new(a.IsActive)})
	}
	s.bystanders(some{active: want.LastActive != nil || want.Conditions.IsTrue(v1alpha1.ConditionActive)})
	s.declare()
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	if want.LastActive == nil && want.Activity == nil && want.Conditions == nil {
		return s.again(ctx, exp.Patches)
	}
	d := same.Differences("status_patches", exp.Patches, s.patches)
	return s.compareWritten(d, &want, &exp.After)
}

func (s *stage) compareWritten(d []string, changed, exp *written) ([]string, error) {
	if exp.LastActive != nil {
		at, ok := instant(*exp.LastActive, s.at)
		if !ok {
			return nil, fmt.Errorf("status_after.lastActiveTime %q is no instant", *exp.LastActive)
		}
		d = append(d, same.Differences("lastActiveTime", metav1.NewTime(at), s.after().LastActiveTime)...)
	}
	for _, c := range changed.Conditions {
		d = append(d, same.Differences("condition "+string(c.Type), exp.Conditions.Get(c.Type), s.after().Conditions.Get(c.Type))...)
	}
	if changed.Activity == nil {
		return d, nil
	}
	return append(d, s.compareActivity(exp.Activity)...), nil
}

// again decides once more on what was written, which changes nothing.
func (s *stage) again(ctx context.Context, patches int) ([]string, error) {
	s.object.Status, s.status, s.record, s.patches = *s.after().DeepCopy(), nil, nil, 0
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	return same.Differences("status_patches", patches, s.patches), nil
}

func orEmptyObject(raw json.RawMessage) json.RawMessage {
	if len(raw) == 0 || string(raw) == "null" {
		return json.RawMessage("{}")
	}
	return raw
}

// compile makes a policy of the stage's object, as the operator does.
func (s *stage) compile(ctx context.Context) (policy.Compiled, error) {
	triggers := make([]policy.Trigger, len(s.object.Spec.Triggers))
	for i := range triggers {
		kind, _ := s.kind(s.object.Spec.Triggers[i].Type)
		in, err := inputs{s}.Input(ctx, s.object, i)
		if err != nil {
			return policy.Compiled{}, err
		}
		var c trigger.Config
		if c, err = kind.Decode(in); err != nil {
			return policy.Compiled{}, err
		}
		triggers[i].Config = c
	}
	return policy.CompileScaledObject(s.object, triggers, policy.UpstreamDefaults())
}
