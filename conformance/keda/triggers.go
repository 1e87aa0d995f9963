package keda

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest/declared"
	"github.com/furl-dev/furl/triggers/all"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/api/resource"
)

// configured is a trigger as a user set it up.
type configured struct {
	Type      string            `json:"trigger_type"`
	Metadata  map[string]string `json:"metadata"`
	Auth      map[string]string `json:"auth_params"`
	Env       map[string]string `json:"resolved_env"`
	Index     int               `json:"trigger_index"`
	Metric    string            `json:"metric_type"`
	Namespace string            `json:"object_namespace"`
	Composed  bool              `json:"as_metric_source"`
	Identity  struct {
		Provider      string `json:"provider"`
		RoleARN       string `json:"roleArn"`
		ExternalID    string `json:"externalID"`
		ID            string `json:"identityId"`
		Tenant        string `json:"identityTenantId"`
		AuthorityHost string `json:"identityAuthorityHost"`
	} `json:"pod_identity"`
}

// kind is the trigger type; cpu and memory share a parser in KEDA.
func (c *configured) kind() (trigger.Kind, bool) {
	if c.Type == "cpu or memory" {
		return all.Find("cpu")
	}
	return all.Find(c.Type)
}

func (c *configured) decode() (trigger.Config, error) {
	kind, known := c.kind()
	if !known {
		return trigger.Config{}, fmt.Errorf("trigger type %q: there is none", c.Type)
	}
	return kind.Decode(trigger.Input{
		Index: c.Index, Namespace: c.Namespace, MetricType: c.Metric, Composed: c.Composed,
		Metadata: c.Metadata, Auth: c.Auth, Env: c.Env,
		Identity: trigger.Identity{
			Provider: c.Identity.Provider, RoleARN: c.Identity.RoleARN, ExternalID: c.Identity.ExternalID,
			ID: c.Identity.ID, Tenant: c.Identity.Tenant, AuthorityHost: c.Identity.AuthorityHost,
		},
	})
}

// replayParse asks whether a trigger is accepted, and what its settings come to.
func replayParse(_ context.Context, r Record, _ Options) ([]string, error) {
	type expected struct {
		Refused bool            `json:"is_error"`
		Values  json.RawMessage `json:"parsed_parameters"`
	}
	in, exp, err := into[configured, expected](r, "is_error", "parsed_parameters", "upstream_error_text")
	if err != nil {
		return nil, err
	}
	c, refused := in.decode()
	d, made := refusal("is_error", exp.Refused, refused)
	if !made || len(exp.Values) == 0 {
		return d, nil
	}
	var want map[string]any
	if err := same.Decode(exp.Values, &want); err != nil {
		return nil, fmt.Errorf("parsed_parameters: %w", err)
	}
	return append(d, compareSettings(want, declared.Values(c))...), nil
}

// compareSettings compares as texts: KEDA and Furl keep them in other types.
func compareSettings(want, got map[string]any) (d []string) {
	for name, w := range want {
		g, known := got[name]
		switch {
		case !known:
			d = append(d, "parsed_parameters."+name+": there is no such setting")
			continue
		case w == nil:
			w = reflect.Zero(reflect.TypeOf(g)).Interface()
		}
		if a, b := fmt.Sprint(w), fmt.Sprint(g); a != b && !equalNumbers(a, b) {
			d = append(d, fmt.Sprintf("parsed_parameters.%s: want %s, got %s", name, a, b))
		}
	}
	return d
}

// equalNumbers knows that 1e3 and 1000 are one.
func equalNumbers(a, b string) bool {
	x, errX := strconv.ParseFloat(a, 64)
	y, errY := strconv.ParseFloat(b, 64)
	return errX == nil && errY == nil && x == y
}

// compiled is what the operator makes of one trigger. Its place, which is in
// the names of its metrics, is not looked at.
func compiled(kind, metricType string, c trigger.Config) (policy.Compiled, error) {
	o, err := scaledObject(nil, now())
	if err != nil {
		return policy.Compiled{}, err
	}
	o.Spec.Triggers = []v1alpha1.ScaleTriggers{{Type: kind, MetricType: autoscalingv2.MetricTargetType(metricType)}}
	return policy.CompileScaledObject(o, []policy.Trigger{{Config: c}}, policy.UpstreamDefaults())
}

// targetOf is a signal's target as an HPA would be told it.
func targetOf(s engine.Signal) autoscalingv2.MetricTarget {
	q := resource.NewMilliQuantity(s.Target.Value, resource.DecimalSI)
	switch s.Target.Kind {
	case engine.Utilization:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(s.Target.Value))} //nolint:gosec // a percentage
	case engine.Value:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: q}
	case engine.AverageValue:
	}
	return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: q}
}

// sameTarget compares targets, whose quantities are written in several ways.
// Where a test of KEDA gave no metric type, only the number counts.
func sameTarget(at string, want, got autoscalingv2.MetricTarget) []string {
	if want.Type == "" {
		got = autoscalingv2.MetricTarget{Value: cmp.Or(got.Value, got.AverageValue)}
	}
	for _, q := range []*resource.Quantity{want.Value, want.AverageValue, got.Value, got.AverageValue} {
		if q != nil {
			*q = resource.MustParse(q.AsDec().String())
		}
	}
	return same.Differences(at, want, got)
}

// replayNames asks for the names of a trigger's metrics, and their targets.
func replayNames(_ context.Context, r Record, _ Options) ([]string, error) {
	type expected struct {
		Names   []string                     `json:"metric_names"`
		Targets []autoscalingv2.MetricTarget `json:"target_values"`
		Specs   []autoscalingv2.MetricSpec   `json:"metric_specs"`
	}
	in, exp, err := into[configured, expected](r, "metric_names", "target_values", "metric_specs")
	if err != nil {
		return nil, err
	}
	config, refused := in.decode()
	if d, made := refusal("error", false, refused); !made {
		return d, nil
	}
	c, err := compiled(config.Kind().Name, in.Metric, config)
	if err != nil {
		return nil, err
	}
	if len(exp.Specs) > 0 {
		return same.Differences("metric_specs", exp.Specs, resourceSpecs(c)), nil
	}
	names, targets := []string{}, []autoscalingv2.MetricTarget{}
	for i := range c.Policy.Signals {
		names = append(names, trigger.MetricName(in.Index, c.Sources[i].MetricName))
		targets = append(targets, targetOf(c.Policy.Signals[i]))
	}
	d := same.Differences("metric_names", exp.Names, names)
	if len(exp.Targets) != len(targets) {
		return append(d, fmt.Sprintf("target_values: want %d, got %d", len(exp.Targets), len(targets))), nil
	}
	for i := range targets {
		d = append(d, sameTarget("target_values", exp.Targets[i], targets[i])...)
	}
	return d, nil
}

// resourceSpecs are what cpu and memory triggers mean to an HPA.
func resourceSpecs(c policy.Compiled) []autoscalingv2.MetricSpec {
	out := make([]autoscalingv2.MetricSpec, 0, len(c.Sources))
	for i, src := range c.Sources {
		m, target := autoscalingv2.MetricSpec{Type: src.Kind}, targetOf(c.Policy.Signals[i])
		if src.Kind == autoscalingv2.ContainerResourceMetricSourceType {
			m.ContainerResource = &autoscalingv2.ContainerResourceMetricSource{Name: src.Resource, Container: src.Container, Target: target}
		} else {
			m.Resource = &autoscalingv2.ResourceMetricSource{Name: src.Resource, Target: target}
		}
		out = append(out, m)
	}
	return out
}
