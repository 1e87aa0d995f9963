package keda

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"

	"github.com/furl-dev/furl/conformance/same"
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
	d := same.Differences("is_error", exp.Refused, refused != nil)
	if refused != nil && !exp.Refused {
		return append(d, "error: "+refused.Error()), nil
	}
	if refused != nil || exp.Refused || len(exp.Values) == 0 {
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

// target is what an HPA would compare a metric with.
type target struct {
	Value        string `json:"value"`
	AverageValue string `json:"averageValue"`
}

func (t target) quantity() (resource.Quantity, error) {
	return resource.ParseQuantity(t.Value + t.AverageValue) // one of them is given
}

// replayNames asks for the names of a trigger's metrics, and their targets.
func replayNames(_ context.Context, r Record, _ Options) ([]string, error) {
	type expected struct {
		Names   []string                   `json:"metric_names"`
		Targets []target                   `json:"target_values"`
		Specs   []autoscalingv2.MetricSpec `json:"metric_specs"`
	}
	in, exp, err := into[configured, expected](r, "metric_names", "target_values", "metric_specs")
	if err != nil {
		return nil, err
	}
	c, refused := in.decode()
	if refused != nil {
		return []string{"error: " + refused.Error()}, nil
	}
	if len(exp.Specs) > 0 {
		return compareResource(exp.Specs, c)
	}
	var names []string
	for _, m := range c.Metrics {
		names = append(names, trigger.MetricName(in.Index, m.Name))
	}
	d := same.Differences("metric_names", exp.Names, names)
	for i := range min(len(exp.Targets), len(c.Metrics)) {
		q, err := exp.Targets[i].quantity()
		if err != nil {
			return nil, fmt.Errorf("target_values: %w", err)
		}
		if got := policy.Quantity(c.Metrics[i].Target); got.Cmp(q) != 0 {
			d = append(d, fmt.Sprintf("target_values[%d]: want %s, got %s", i, q.String(), got.String()))
		}
	}
	return d, nil
}

// compareResource compares the metric of cpu or memory.
func compareResource(specs []autoscalingv2.MetricSpec, c trigger.Config) ([]string, error) {
	type plain struct {
		Container string
		Target    float64
	}
	var want, got plain
	aim := func(t autoscalingv2.MetricTarget) {
		if t.AverageUtilization != nil {
			want.Target = float64(*t.AverageUtilization)
		}
		if t.AverageValue != nil {
			want.Target = t.AverageValue.AsApproximateFloat64()
		}
	}
	switch {
	case specs[0].ContainerResource != nil:
		want.Container = specs[0].ContainerResource.Container
		aim(specs[0].ContainerResource.Target)
	case specs[0].Resource != nil:
		aim(specs[0].Resource.Target)
	default:
		return nil, fmt.Errorf("metric_specs: type %q is not known to the runner", specs[0].Type)
	}
	if v, ok := c.Value().(interface{ ContainerName() string }); ok {
		got.Container = v.ContainerName()
	}
	if len(c.Metrics) > 0 {
		got.Target = c.Metrics[0].Target
	}
	return same.Differences("metric_specs", want, got), nil
}
