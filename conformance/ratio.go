package conformance

import (
	"context"
	"errors"
	"fmt"
	"math"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/operator/hpa"
	corev1 "k8s.io/api/core/v1"
)

// ratioCase is one case of upstream's tests of ratios.
type ratioCase struct {
	Metrics map[string]struct {
		Value int64 `json:"value"`
	} `json:"metrics"`
	Requests    map[string]int64 `json:"requests"`
	Utilization *int32           `json:"target_utilization"`
	Usage       *int64           `json:"target_usage"`

	WantRatio       float64  `json:"expected_utilization_ratio"`
	WantUsageRatio  *float64 `json:"expected_usage_ratio"`
	WantUtilization int32    `json:"expected_current_utilization"`
	WantAverage     int64    `json:"expected_raw_average_value"`
	WantUsage       int64    `json:"expected_current_usage"`
	WantError       *string  `json:"expected_err"`
}

// ratioTolerance is how exact upstream's own tests compare ratios.
const ratioTolerance = 0.01

// replayRatio asks the operator about an HPA with pods of these measurements and requests.
func replayRatio(ctx context.Context, r Record, o Options) ([]string, error) {
	var in ratioCase
	if err := same.Decode(r.Case, &in); err != nil {
		return nil, fmt.Errorf("upstream_case: %w", err)
	}
	calc, function := in.question()
	m, err := calc.metric(function)
	if err != nil {
		return nil, err
	}
	p, err := calc.propose(ctx, m, o)
	if err != nil {
		return nil, err
	}
	if in.WantError != nil {
		return same.Differences("error", *in.WantError, p.Missing), nil
	}
	d := same.Differences("error", "", p.Missing)
	ratio := in.WantRatio
	if in.WantUsageRatio != nil {
		ratio = *in.WantUsageRatio
		d = append(d, same.Differences("current_usage", in.WantUsage, p.Average)...)
	} else {
		d = append(d, same.Differences("current_utilization", in.WantUtilization, p.Utilization)...)
		d = append(d, same.Differences("raw_average_value", in.WantAverage, p.Average)...)
	}
	if math.Abs(p.Ratio-ratio) > ratioTolerance*math.Abs(ratio) {
		d = append(d, fmt.Sprintf("ratio: want %v, got %v", ratio, p.Ratio))
	}
	return d, nil
}

// question is the calculator's question that makes it take this ratio. The
// pods are those that request something, besides one that has not started:
// upstream takes ratios only when there are pods.
func (in *ratioCase) question() (*calculatorInput, string) {
	const selector = "all=pods"
	calc := &calculatorInput{
		CPU: "0", Readiness: "0", Spec: new(int32(1)), Namespace: "namespace", PodsBy: selector,
		Resource: corev1.ResourceMemory, Metric: "metric", Utilization: in.Utilization, Average: in.Usage,
	}
	calc.Tolerances.Up, calc.Tolerances.Down = "0", "0"
	read := metricsResponse{API: "resource", Namespace: calc.Namespace, Resource: string(calc.Resource), PodsBy: selector, Pods: map[string]podMetric{}}
	function := "GetResourceReplicas"
	if in.Utilization == nil {
		function, read.API, read.Metric = "GetMetricReplicas", "custom_pods", calc.Metric
	}
	for name, m := range in.Metrics {
		read.Pods[name] = podMetric{Value: m.Value}
		if in.Requests == nil {
			calc.Pods = append(calc.Pods, calc.requesting(name, corev1.PodRunning, 0))
		}
	}
	for name, milli := range in.Requests {
		calc.Pods = append(calc.Pods, calc.requesting(name, corev1.PodRunning, milli))
	}
	calc.Pods = append(calc.Pods, calc.requesting("not-started", corev1.PodPending, 0))
	calc.Reads = []metricsResponse{read}
	return calc, function
}

func (in *calculatorInput) requesting(name string, phase corev1.PodPhase, n int64) podRecord {
	return podRecord{
		Name: name, Namespace: in.Namespace, Labels: map[string]string{"all": "pods"}, Phase: phase,
		Containers: []containerRecord{{Name: "container", Requests: corev1.ResourceList{in.Resource: *milli(n)}}},
	}
}

// replayQuantity asks for the form in which a status shows a number.
func replayQuantity(c Call) ([]string, error) {
	var in struct {
		Milli    int64               `json:"raw_milli"`
		Resource corev1.ResourceName `json:"resource"`
	}
	var exp struct {
		Quantity *string `json:"quantity"`
		Format   *string `json:"format"`
	}
	if err := errors.Join(same.Decode(c.Input, &in), same.Decode(c.Expected, &exp), understood(c.Expected, "quantity", "format")); err != nil {
		return nil, err
	}
	q := hpa.Quantity(in.Resource, in.Milli)
	var d []string
	if exp.Quantity != nil {
		d = same.Differences("quantity", *exp.Quantity, q.String())
	}
	if exp.Format != nil {
		d = append(d, same.Differences("format", *exp.Format, string(q.Format))...)
	}
	return d, nil
}
