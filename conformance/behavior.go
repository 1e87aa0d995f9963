package conformance

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// behaviorInput is what upstream's functions for windows and limits were given.
type behaviorInput struct {
	Current  int32                                          `json:"current_replicas"`
	Desired  int32                                          `json:"desired_replicas"`
	Min      int32                                          `json:"min_replicas"`
	Max      int32                                          `json:"max_replicas"`
	Factor   float64                                        `json:"scale_up_limit_factor"`
	Floor    int32                                          `json:"scale_up_limit_minimum"`
	Window   json.Number                                    `json:"downscale_stabilization_window_seconds"`
	Wants    []want                                         `json:"recommendations"`
	Up       *autoscalingv2.HPAScalingRules                 `json:"scale_up"`
	Down     *autoscalingv2.HPAScalingRules                 `json:"scale_down"`
	Ups      []resize                                       `json:"scale_up_events"`
	Downs    []resize                                       `json:"scale_down_events"`
	Behavior *autoscalingv2.HorizontalPodAutoscalerBehavior `json:"behavior"`
	Prev     int32                                          `json:"prev_replicas"`
	New      int32                                          `json:"new_replicas"`
	Period   int32                                          `json:"period_seconds"`
	Events   []resize                                       `json:"scale_events"`
}

type behaviorExpected struct {
	Replicas   *int32    `json:"replicas"`
	Stabilized *int32    `json:"stabilized_replicas"`
	Reason     *string   `json:"reason"`
	Message    *string   `json:"message"`
	Wants      *[]want   `json:"recommendations_after"`
	Ups        *[]resize `json:"scale_up_events_after"`
	Downs      *[]resize `json:"scale_down_events_after"`
	Change     *int32    `json:"replica_change"`
}

func decodeBehavior(c Call) (in behaviorInput, exp behaviorExpected, err error) {
	if err = same.Decode(c.Input, &in); err != nil {
		return in, exp, fmt.Errorf("input: %w", err)
	}
	if err = same.Decode(c.Expected, &exp); err != nil {
		return in, exp, fmt.Errorf("expected: %w", err)
	}
	return in, exp, understood(c.Expected, "replicas", "stabilized_replicas", "reason", "message",
		"recommendations_after", "scale_up_events_after", "scale_down_events_after", "replica_change")
}

// policy compiles an HPA with the behavior that the functions were given.
func (in *behaviorInput) policy() (engine.Policy, error) {
	d := policy.UpstreamDefaults()
	var err error
	if in.Window != "" {
		if d.DownscaleStabilization, err = seconds(in.Window); err != nil {
			return engine.Policy{}, err
		}
	}
	if in.Factor != 0 {
		d.BurstFactor, d.BurstFloor = in.Factor, in.Floor
	}
	h := &autoscalingv2.HorizontalPodAutoscaler{}
	h.Spec.MinReplicas, h.Spec.MaxReplicas = &in.Min, in.Max
	if in.Max == 0 { // the function does not look at bounds
		h.Spec.MaxReplicas = math.MaxInt32
	}
	h.Spec.Behavior = in.Behavior
	if in.Up != nil || in.Down != nil {
		h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: in.Up, ScaleDown: in.Down}
	}
	c, err := policy.Compile(h, d)
	return c.Policy, err
}

// without adds the rules that upstream's function does not have inside.
func without(o Options, rules ...engine.Rule) []engine.Rule {
	return append(slices.Clone(o.Without), rules...)
}

// replayStabilise asks for a decision in which windows alone speak.
func replayStabilise(c Call, o Options) ([]string, error) {
	in, exp, err := decodeBehavior(c)
	if err != nil {
		return nil, err
	}
	p, err := in.policy()
	if err != nil {
		return nil, err
	}
	off := without(o, engine.RuleAsleep, engine.RuleBounds, engine.RuleRate, engine.RuleBurst, engine.RuleClamp, engine.RuleFloor)
	d, after := decide(p, past(in.Wants, nil, nil), in.Current, in.Desired, start(), off)
	var out []string
	if exp.Stabilized != nil {
		out = same.Differences("stabilized_replicas", *exp.Stabilized, d.To)
		// Upstream's function words a reason always, its caller uses it for a changed number only.
		if v, ok := d.AbleToScale(); ok && *exp.Stabilized != in.Desired {
			out = append(out, exp.verdict(v)...)
		}
	}
	if exp.Wants != nil {
		sizes := []int32{0, in.Current, in.Desired}
		for _, w := range append(in.Wants, *exp.Wants...) {
			sizes = append(sizes, w.Recommendation)
		}
		out = append(out, sameEffect(p, past(*exp.Wants, nil, nil), after, sizes)...)
	}
	return out, nil
}

func (e *behaviorExpected) verdict(v engine.Verdict) []string {
	var d []string
	if e.Reason != nil {
		d = append(d, same.Differences("reason", *e.Reason, v.Reason)...)
	}
	if e.Message != nil {
		d = append(d, same.Differences("message", *e.Message, v.Message)...)
	}
	return d
}

// replayLimits asks for a decision in which limits and bounds alone speak.
func replayLimits(c Call, o Options) ([]string, error) {
	in, exp, err := decodeBehavior(c)
	if err != nil {
		return nil, err
	}
	p, err := in.policy()
	if err != nil {
		return nil, err
	}
	off := without(o, engine.RuleAsleep, engine.RuleBounds, engine.RuleStabilise)
	d, _ := decide(p, past(nil, in.Ups, in.Downs), in.Current, in.Desired, start(), off)
	var out []string
	if exp.Replicas != nil {
		out = same.Differences("replicas", *exp.Replicas, d.To)
	}
	v, ok := d.ScalingLimited()
	if !ok {
		return append(out, "no verdict on limits"), nil
	}
	return append(out, exp.verdict(v)...), nil
}

// replayChange checks that events count for as much as one event now of the
// change that upstream adds them up to.
func replayChange(c Call, o Options) ([]string, error) {
	in, exp, err := decodeBehavior(c)
	if err != nil {
		return nil, err
	}
	if exp.Change == nil {
		return nil, fmt.Errorf("expected.replica_change is missing")
	}
	p, err := onePolicy(in.Period)
	if err != nil {
		return nil, err
	}
	one := []resize{{Change: *exp.Change, Time: instant{Time: start()}}}
	off := without(o, engine.RuleAsleep, engine.RuleBounds, engine.RuleStabilise)
	const size, most = 1000, 1_000_000
	want, _ := decide(p, past(nil, one, nil), size, most, start(), off)
	got, _ := decide(p, past(nil, in.Events, nil), size, most, start(), off)
	return same.Differences("the size allowed after the change", want.To, got.To), nil
}

// onePolicy allows so many pods in a period that a change of any size shows.
func onePolicy(period int32) (engine.Policy, error) {
	in := behaviorInput{
		Max: math.MaxInt32,
		Up: &autoscalingv2.HPAScalingRules{Policies: []autoscalingv2.HPAScalingPolicy{
			{Type: autoscalingv2.PodsScalingPolicy, Value: 100_000, PeriodSeconds: period},
		}},
	}
	return in.policy()
}

// replayStore checks that a resize is remembered to the effect that it has upstream.
func replayStore(c Call) ([]string, error) {
	in, exp, err := decodeBehavior(c)
	if err != nil {
		return nil, err
	}
	if exp.Ups == nil || exp.Downs == nil {
		return nil, fmt.Errorf("expected holds no events")
	}
	in.Max = math.MaxInt32
	p, err := in.policy()
	if err != nil {
		return nil, err
	}
	after := engine.Applied(p, engine.Decision{At: start(), From: in.Prev, To: in.New}, past(nil, in.Ups, in.Downs))
	return sameEffect(p, past(nil, *exp.Ups, *exp.Downs), after, []int32{0, 1, in.Prev, in.New, 1000}), nil
}
