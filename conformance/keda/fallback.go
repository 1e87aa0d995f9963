package keda

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
)

// fetchInput is what one fetch of a metric started from.
type fetchInput struct {
	Object   json.RawMessage `json:"scaled_object"`
	Metric   string          `json:"metric_name"`
	Spec     metricSpec      `json:"metric_spec"`
	Error    *string         `json:"trigger_error"`
	Metrics  []metric        `json:"trigger_metrics"`
	Replicas *int32          `json:"current_replicas"`
	Ready    *int32          `json:"ready_pods"`
}

// fetchExpected is what it came to. How often the status is written is KEDA's
// own business: Furl writes at a pace of its own.
type fetchExpected struct {
	Metrics   []metric                         `json:"metrics"`
	Used      bool                             `json:"fallback_used"`
	Error     *string                          `json:"error"`
	Health    map[string]v1alpha1.HealthStatus `json:"health_after"`
	Condition []v1alpha1.Condition             `json:"fallback_condition_after"`
}

// placeholder is the value that KEDA hands out for nil where the formula has
// the word: a formula sees nil, and nobody sees the value.
func (f *fetchExpected) placeholder(o *v1alpha1.ScaledObject) bool {
	return o.Spec.Fallback != nil && o.Spec.Fallback.Behavior == v1alpha1.FallbackBehaviorScalingModifiers && len(f.Metrics) > 0
}

func replayFallback(ctx context.Context, r Record, o Options) ([]string, error) {
	in, exp, err := into[fetchInput, fetchExpected](r, "metrics", "fallback_used", "error", "health_after",
		"fallback_condition_after", "status_patched", "status_patch", "status_patch_server_error")
	if err != nil {
		return nil, err
	}
	s := &stage{at: now(), size: 1, off: o.Without}
	if in.Replicas != nil {
		s.size = *in.Replicas
	}
	if in.Ready != nil {
		s.ready = *in.Ready
	}
	if s.object, err = scaledObject(in.Object, s.at); err != nil {
		return nil, err
	}
	if err := s.fetch(&in); err != nil {
		return nil, err
	}
	before := *s.object.Status.DeepCopy()
	s.declare()
	if err := s.turn(ctx); err != nil {
		return nil, err
	}
	return s.compareFetch(&exp, &before), nil
}

// fetch makes the trigger that is asked, and those that were asked before.
func (s *stage) fetch(in *fetchInput) error {
	if in.Spec.External == nil {
		return errors.New("metric_spec has no external metric")
	}
	t := answer{metric: plainName(in.Metric), calledInRecord: in.Metric, err: errorOf(in.Error)}
	t.aim(in.Spec.External.Target)
	for _, m := range in.Metrics {
		t.value = m.Value.AsApproximateFloat64()
	}
	if len(s.object.Spec.Triggers) > 0 {
		t.kind = s.object.Spec.Triggers[0].Type
	}
	s.triggers = append(s.triggers, t)
	s.object.Status.Health = renamed(s.object.Status.Health, s)
	for _, name := range slices.Sorted(maps.Keys(s.object.Status.Health)) {
		if s.place(name) >= 0 {
			continue
		}
		failing := s.object.Status.Health[name].Status == v1alpha1.HealthStatusFailing
		s.triggers = append(s.triggers, answer{kind: "external", metric: plainName(name), calledInRecord: name, silent: failing})
	}
	s.object.Status.Health = renamed(s.object.Status.Health, s)
	s.complete()
	return nil
}

// complete gives a formula to an object whose fallback is left to one that it
// lacks. Both programs refuse such an object, but not in the function that was
// recorded. A formula over the trigger changes none of what is compared.
func (s *stage) complete() {
	f, a := s.object.Spec.Fallback, s.object.Spec.Advanced
	if f == nil || f.Behavior != v1alpha1.FallbackBehaviorScalingModifiers || a != nil && a.ScalingModifiers.Formula != "" {
		return
	}
	s.object.Spec.Advanced = &v1alpha1.AdvancedConfig{ScalingModifiers: v1alpha1.ScalingModifiers{
		Formula: s.object.Spec.Triggers[0].Name, Target: "1",
	}}
}

// renamed has Furl's names of the metrics that the stage knows.
func renamed(health map[string]v1alpha1.HealthStatus, s *stage) map[string]v1alpha1.HealthStatus {
	if health == nil {
		return nil
	}
	out := make(map[string]v1alpha1.HealthStatus, len(health))
	for name, h := range health {
		if i := s.place(name); i >= 0 {
			name = s.signal(i)
		}
		out[name] = h
	}
	return out
}

func (s *stage) compareFetch(exp *fetchExpected, before *v1alpha1.ScaledObjectStatus) []string {
	d := same.Differences("fallback_used", exp.Used, s.fellBack())
	if !exp.placeholder(s.object) {
		d = append(d, same.Differences("metrics", milli(exp.Metrics), s.measuredOf(0))...)
		d = append(d, same.Differences("error", exp.Error != nil, s.unmeasured() != "")...)
	}
	after := s.after()
	if s.object.Spec.Fallback == nil { // nothing is counted; what Furl tells of triggers that fail is its own
		after = before
	}
	d = append(d, same.Differences("health_after", renamed(exp.Health, s), after.Health)...)
	for _, c := range exp.Condition {
		d = append(d, same.Differences("fallback_condition_after", c, s.after().Conditions.Get(c.Type))...)
	}
	return d
}

// measuredOf is what stands for one trigger, or for the formula that it goes into.
func (s *stage) measuredOf(i int) map[string]int64 {
	all := s.measured()
	for name := range all {
		if name != s.triggers[i].calledInRecord && name != v1alpha1.CompositeMetricName {
			delete(all, name)
		}
	}
	return all
}
