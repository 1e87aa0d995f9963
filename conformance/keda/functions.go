package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest/declared"
	"github.com/furl-dev/furl/triggers/all"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// called is a call of one of KEDA's functions.
type called struct {
	File      string          `json:"trigger_file"`
	Arguments json.RawMessage `json:"arguments"`
}

// kind is the type of the trigger in whose file the function stands.
func (c *called) kind() string {
	return strings.ReplaceAll(strings.TrimSuffix(c.File, "_scaler"), "_", "-")
}

// arguments are those of all functions that have a counterpart.
type arguments struct {
	S          string `json:"s"`
	Name       string `json:"metricName"`
	Index      int    `json:"triggerIndex"`
	Pattern    string `json:"pattern"`
	From       string `json:"from"`
	To         string `json:"to"`
	Value      any    `json:"value"`
	Target     any    `json:"metricValue"`
	MetricType string `json:"metricType"`
	Body       string `json:"body"`
	Format     string `json:"format"`
	Location   string `json:"valueLocation"`
	Config     struct {
		MetricType string `json:"MetricType"`
	} `json:"config"`
}

// returned is what functions with a counterpart return.
type returned struct {
	Text   *string                     `json:"string"`
	Float  json.Number                 `json:"float64"`
	Error  *string                     `json:"error"`
	Target *autoscalingv2.MetricTarget `json:"v2.MetricTarget"`
	Type   *string                     `json:"v2.MetricTargetType"`
	Metric *metric                     `json:"external_metrics.ExternalMetricValue"`
	List   []int32                     `json:"int32"`
	Map    map[string]string           `json:"map[string]string"`
}

// replayCall asks Furl's counterpart of a function.
func replayCall(ctx context.Context, r Record, o Options) ([]string, error) {
	in, out, err := into[called, struct {
		Results returned `json:"results"`
	}](r, "results")
	if err != nil {
		return nil, err
	}
	var a arguments
	if err := same.Decode(in.Arguments, &a); err != nil {
		return nil, fmt.Errorf("arguments: %w", err)
	}
	exp := out.Results
	switch name := functionOf(r); name {
	case "NormalizeString", "util_NormalizeString":
		return same.Differences("string", exp.Text, trigger.Normalize(a.S)), nil
	case "GenerateMetricNameWithIndex":
		return same.Differences("string", exp.Text, trigger.MetricName(a.Index, a.Name)), nil
	case "RemoveIndexFromMetricName":
		return compareAsked(ctx, o, &a, &exp)
	case "GetMetricTarget", "GetMetricTargetMili", "GenerateMetricInMili":
		return compareQuantity(&a, &exp)
	case "GetMetricTargetType":
		return compareTargetType(&a, &exp)
	case "util_ParseRange", "util_ParseInt32List", "util_ParseStringList":
		return compareList(&a, &exp)
	case "GetValueFromResponse":
		return compareValue(ctx, &a, &exp)
	default:
		return nil, fmt.Errorf("function %q is not known to the runner", name)
	}
}

// functionOf is the last part of a category.
func functionOf(r Record) string { return r.Category[strings.LastIndex(r.Category, "/")+1:] }

// compareQuantity compares a number as an HPA is told it.
func compareQuantity(a *arguments, exp *returned) ([]string, error) {
	n := a.Value
	if n == nil {
		n = a.Target
	}
	v, err := strconv.ParseFloat(fmt.Sprint(n), 64) // NaN and infinity are words
	if err != nil {
		return nil, err
	}
	q := policy.Quantity(v)
	switch {
	case exp.Metric != nil: // KEDA passes the name through
		return same.Differences("metric", milli([]metric{*exp.Metric}), milli([]metric{{a.Name, q}})), nil
	case exp.Target != nil:
		got := autoscalingv2.MetricTarget{Type: autoscalingv2.MetricTargetType(a.MetricType), AverageValue: &q}
		if got.Type == autoscalingv2.ValueMetricType {
			got.Value, got.AverageValue = &q, nil
		}
		return sameTarget("target", *exp.Target, got), nil
	}
	return nil, errors.New("results hold no number")
}

// compareTargetType compares what a metricType makes of a metric.
func compareTargetType(a *arguments, exp *returned) ([]string, error) {
	kind, _ := (&stage{}).kind("external")
	config, err := kind.Decode(trigger.Input{Metadata: map[string]string{"place": "0", "metric": "any", "goal": "1"}})
	if err != nil {
		return nil, err
	}
	c, err := compiled(kind.Name, a.Config.MetricType, config)
	if err != nil {
		return nil, err
	}
	signal := c.Policy.Signals[0]
	d := same.Differences("error", exp.Error != nil, signal.Fault != "")
	if signal.Fault != "" || exp.Error != nil {
		return d, nil
	}
	return append(d, same.Differences("v2.MetricTargetType", exp.Type, targetOf(signal).Type)...), nil
}

// compareList compares how a list, a range or a map is read.
func compareList(a *arguments, exp *returned) ([]string, error) {
	field := declared.Field{Name: "P", GoType: "[]int32", Tag: new("name=p,order=triggerMetadata,range")}
	text := a.Pattern
	switch {
	case a.From != "" || a.To != "":
		text = a.From + "-" + a.To
	case exp.Map != nil || strings.Contains(text, "="):
		field = declared.Field{Name: "P", GoType: "map[string]string", Tag: new("name=p,order=triggerMetadata")}
	}
	kind, err := declared.Kind("list", []declared.Field{field})
	if err != nil {
		return nil, err
	}
	c, refused := kind.Decode(trigger.Input{Metadata: map[string]string{"p": text}})
	d, made := refusal("error", exp.Error != nil, refused)
	if !made {
		return d, nil
	}
	if field.GoType == "[]int32" {
		return append(d, same.Differences("int32", exp.List, c.Settings()["p"])...), nil
	}
	return append(d, same.Differences("map[string]string", exp.Map, c.Settings()["p"])...), nil
}

// saying is a server that answers every question alike. It implements [http.RoundTripper].
type saying string

func (s saying) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader(string(s))), ContentLength: int64(len(s)),
	}, nil
}

// compareValue compares what metrics-api reads out of an answer.
func compareValue(ctx context.Context, a *arguments, exp *returned) (_ []string, err error) {
	kind, _ := all.Find("metrics-api")
	c, err := kind.Decode(trigger.Input{Metadata: map[string]string{
		"url": "http://server.example", "valueLocation": a.Location, "format": a.Format, "targetValue": "1",
	}})
	if err != nil {
		return same.Differences("error", exp.Error != nil, true), nil //nolint:nilerr // it is what is compared
	}
	source, err := c.Open(ctx, trigger.Env{Now: schedule.Clock{}.Now, HTTP: &http.Client{Transport: saying(a.Body)}})
	if err != nil {
		return nil, err
	}
	got, failed := source.Read(ctx)
	if err := source.Close(); err != nil {
		return nil, err
	}
	d, made := refusal("error", exp.Error != nil, failed)
	if !made {
		return d, nil
	}
	return append(d, same.Differences("float64", exp.Float, got.Value)...), nil
}
