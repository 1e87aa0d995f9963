package conformance

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

type groupInput struct {
	CPU       json.Number          `json:"cpu_initialization_period_seconds"`
	Readiness json.Number          `json:"initial_readiness_delay_seconds"`
	Values    map[string]podMetric `json:"pod_values"`
	Pods      []podRecord          `json:"pods"`
	Resource  corev1.ResourceName  `json:"resource"`
}

type groupExpected struct {
	Ready   int32    `json:"ready_pod_count"`
	Ignored []string `json:"ignored_pods"`
	Missing []string `json:"missing_pods"`
	Unready []string `json:"unready_pods"`
}

// replayGroup lets the operator read a metric of the pods, all of them for the
// counts and each alone for its group.
func replayGroup(ctx context.Context, c Call, o Options) ([]string, error) {
	var in groupInput
	if err := same.Decode(c.Input, &in); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	var exp groupExpected
	if err := same.Decode(c.Expected, &exp); err != nil {
		return nil, fmt.Errorf("expected: %w", err)
	}
	if err := understood(c.Expected, "ready_pod_count", "ignored_pods", "missing_pods", "unready_pods"); err != nil {
		return nil, err
	}
	all, err := in.usage(ctx, in.Pods, o)
	if err != nil {
		return nil, err
	}
	got := groupExpected{Ready: all.Ready.Pods, Ignored: []string{}, Missing: []string{}, Unready: []string{}}
	for _, p := range in.Pods {
		u, err := in.usage(ctx, []podRecord{p}, o)
		if err != nil {
			return nil, err
		}
		switch {
		case u.Ignored == 1:
			got.Ignored = append(got.Ignored, p.Name)
		case u.Missing.Pods == 1:
			got.Missing = append(got.Missing, p.Name)
		case u.Unready.Pods == 1:
			got.Unready = append(got.Unready, p.Name)
		}
	}
	for _, names := range [][]string{got.Ignored, got.Missing, got.Unready, exp.Ignored, exp.Missing, exp.Unready} {
		slices.Sort(names)
	}
	d := same.Differences("groups", exp, got)
	d = append(d, same.Differences("counts of ignored, missing, unready",
		[]int{len(exp.Ignored), len(exp.Missing), len(exp.Unready)},
		[]int32{all.Ignored, all.Missing.Pods, all.Unready.Pods})...)
	return d, nil
}

// usage is what the operator's reading says of the pods.
func (in *groupInput) usage(ctx context.Context, pods []podRecord, o Options) (engine.Usage, error) {
	const selector = "all=pods"
	calc := calculatorInput{
		CPU: in.CPU, Readiness: in.Readiness, Spec: new(int32(1)), Namespace: "namespace",
		PodsBy: selector, Resource: in.Resource, Metric: "metric", Average: new(int64(1)),
	}
	read := metricsResponse{API: "resource", Namespace: calc.Namespace, Resource: string(in.Resource), PodsBy: selector, Pods: map[string]podMetric{}}
	function := "GetRawResourceReplicas"
	if in.Resource == "" {
		function, read.API, read.Metric = "GetMetricReplicas", "custom_pods", calc.Metric
	}
	for _, p := range pods {
		p.Namespace, p.Labels = calc.Namespace, map[string]string{"all": "pods"}
		calc.Pods = append(calc.Pods, p)
		if v, ok := in.Values[p.Name]; ok {
			read.Pods[p.Name] = v
		}
	}
	calc.Reads = []metricsResponse{read}
	m, err := calc.metric(function)
	if err != nil {
		return engine.Usage{}, err
	}
	return calc.usage(ctx, m, o)
}

// usage is the reading of the metric, before anything is made of it.
func (in *calculatorInput) usage(ctx context.Context, m autoscalingv2.MetricSpec, o Options) (engine.Usage, error) {
	d := policy.UpstreamDefaults()
	var err error
	if d.CPUInitialization, err = seconds(in.CPU); err != nil {
		return engine.Usage{}, err
	}
	if d.InitialReadiness, err = seconds(in.Readiness); err != nil {
		return engine.Usage{}, err
	}
	s := &stage{
		hpa: in.hpa(m), defaults: d, decide: engine.Without(o.Without...),
		pods: in.Pods, gets: []scaleGet{in.size()}, metrics: in.Reads,
	}
	s.sync(ctx)
	if s.record == nil || len(s.record.Seen.Readings) != 1 {
		return engine.Usage{}, fmt.Errorf("no reading: %w", s.err)
	}
	return s.record.Seen.Readings[0].Usage, nil
}

type requestsInput struct {
	Container string              `json:"container"`
	Pods      []podRecord         `json:"pods"`
	Resource  corev1.ResourceName `json:"resource"`
}

type requestsExpected struct {
	Error   *string          `json:"error"`
	ByPod   map[string]int64 `json:"requests_milli_by_pod"`
	Request *int64           `json:"request_milli"`
}

// replayRequests asks what the operator takes for the pods' requests.
func replayRequests(c Call) ([]string, error) {
	var in requestsInput
	if err := same.Decode(c.Input, &in); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	var exp requestsExpected
	if err := same.Decode(c.Expected, &exp); err != nil {
		return nil, fmt.Errorf("expected: %w", err)
	}
	if err := understood(c.Expected, "error", "requests_milli_by_pod", "request_milli"); err != nil {
		return nil, err
	}
	byPod, failure := map[string]int64{}, ""
	for _, p := range in.Pods {
		n, why := policy.Request(p.Name, &p.pod().Spec, in.Resource, in.Container)
		if why != "" && failure == "" {
			failure = why
		}
		byPod[p.Name] = n
	}
	if exp.Error != nil {
		return same.Differences("error", *exp.Error, failure), nil
	}
	d := same.Differences("error", "", failure)
	if exp.ByPod != nil {
		d = append(d, same.Differences("requests_milli_by_pod", exp.ByPod, byPod)...)
	}
	if exp.Request != nil {
		for _, n := range byPod {
			d = append(d, same.Differences("request_milli", *exp.Request, n)...)
		}
	}
	return d, nil
}
