package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// calculatorInput is what upstream's replica calculator was asked.
type calculatorInput struct {
	CPU         json.Number           `json:"cpu_initialization_period_seconds"`
	Readiness   json.Number           `json:"initial_readiness_delay_seconds"`
	Spec        *int32                `json:"current_replicas"`
	Status      *int32                `json:"status_replicas"`
	Namespace   string                `json:"namespace"`
	PodsBy      string                `json:"pod_selector"`
	Pods        []podRecord           `json:"pods"`
	Reads       []metricsResponse     `json:"metrics_responses"`
	Resource    corev1.ResourceName   `json:"resource"`
	Container   string                `json:"container"`
	Metric      string                `json:"metric"`
	Selector    json.RawMessage       `json:"metric_selector"`
	LabelsBy    *metav1.LabelSelector `json:"metric_label_selector"`
	Object      *objectReference      `json:"described_object"`
	Utilization *int32                `json:"target_utilization_percent"`
	Value       *int64                `json:"target_value_milli"`
	Average     *int64                `json:"target_average_milli"`
	AverageRaw  *int64                `json:"target_usage_milli"`
	Tolerances  struct {
		Up   json.Number `json:"scale_up"`
		Down json.Number `json:"scale_down"`
	} `json:"tolerances"`
}

type calculatorExpected struct {
	Error       *string  `json:"error"`
	Replicas    int32    `json:"replicas"`
	Utilization *int32   `json:"utilization_percent"`
	RawAverage  *int64   `json:"raw_average_milli"`
	Usage       *int64   `json:"usage_milli"`
	Timestamp   *instant `json:"timestamp"`
}

// replayCalculator asks the operator about an HPA with the one metric.
func replayCalculator(ctx context.Context, c Call, o Options) ([]string, error) {
	var in calculatorInput
	if err := same.Decode(c.Input, &in); err != nil {
		return nil, fmt.Errorf("input: %w", err)
	}
	var exp calculatorExpected
	if err := same.Decode(c.Expected, &exp); err != nil {
		return nil, fmt.Errorf("expected: %w", err)
	}
	// The timestamp is not shown to anybody, upstream only carries it along.
	if err := understood(c.Expected, "error", "replicas", "utilization_percent", "raw_average_milli", "usage_milli", "timestamp"); err != nil {
		return nil, err
	}
	m, err := in.metric(c.Function)
	if err != nil {
		return nil, err
	}
	p, err := in.propose(ctx, m, o)
	if err != nil {
		return nil, err
	}
	return exp.compare(in.Value != nil, p), nil
}

func (e *calculatorExpected) compare(whole bool, p engine.Proposal) []string { //nolint:revive // flag-parameter: whole says which of two numbers upstream shows
	if e.Error != nil {
		return same.Differences("error", *e.Error, p.Missing)
	}
	d := same.Differences("error", "", p.Missing)
	d = append(d, same.Differences("replicas", e.Replicas, p.Replicas)...)
	if e.Utilization != nil {
		d = append(d, same.Differences("utilization_percent", *e.Utilization, p.Utilization)...)
	}
	if e.RawAverage != nil {
		d = append(d, same.Differences("raw_average_milli", *e.RawAverage, p.Average)...)
	}
	if e.Usage != nil {
		shown := p.Average
		if whole {
			shown = p.Total
		}
		d = append(d, same.Differences("usage_milli", *e.Usage, shown)...)
	}
	return d
}

// metric is the metric of an HPA that makes upstream call the function.
func (in *calculatorInput) metric(function string) (autoscalingv2.MetricSpec, error) {
	selector, err := in.selector()
	if err != nil {
		return autoscalingv2.MetricSpec{}, err
	}
	id := autoscalingv2.MetricIdentifier{Name: in.Metric, Selector: selector}
	target, err := in.target()
	if err != nil {
		return autoscalingv2.MetricSpec{}, err
	}
	var m autoscalingv2.MetricSpec
	switch function {
	case "GetResourceReplicas", "GetRawResourceReplicas":
		m = resourceMetric(in.Resource, in.Container, target)
	case "GetMetricReplicas":
		m.Type, m.Pods = autoscalingv2.PodsMetricSourceType, &autoscalingv2.PodsMetricSource{Metric: id, Target: target}
	case "GetObjectMetricReplicas", "GetObjectPerPodMetricReplicas":
		if in.Object == nil {
			return m, errors.New("described_object is missing")
		}
		m.Type = autoscalingv2.ObjectMetricSourceType
		m.Object = &autoscalingv2.ObjectMetricSource{Metric: id, Target: target, DescribedObject: *in.Object}
	default:
		m.Type, m.External = autoscalingv2.ExternalMetricSourceType, &autoscalingv2.ExternalMetricSource{Metric: id, Target: target}
	}
	return m, nil
}

func resourceMetric(r corev1.ResourceName, container string, t autoscalingv2.MetricTarget) autoscalingv2.MetricSpec {
	if container == "" {
		return autoscalingv2.MetricSpec{
			Type:     autoscalingv2.ResourceMetricSourceType,
			Resource: &autoscalingv2.ResourceMetricSource{Name: r, Target: t},
		}
	}
	return autoscalingv2.MetricSpec{
		Type:              autoscalingv2.ContainerResourceMetricSourceType,
		ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: r, Container: container, Target: t},
	}
}

// selector is written as an object or as a string.
func (in *calculatorInput) selector() (*metav1.LabelSelector, error) {
	if in.LabelsBy != nil || len(in.Selector) == 0 || string(in.Selector) == "null" {
		return in.LabelsBy, nil
	}
	var text string
	if json.Unmarshal(in.Selector, &text) == nil {
		return metav1.ParseToLabelSelector(text)
	}
	s := new(metav1.LabelSelector)
	return s, same.Decode(in.Selector, s)
}

func (in *calculatorInput) target() (autoscalingv2.MetricTarget, error) {
	average := in.Average
	if average == nil {
		average = in.AverageRaw
	}
	switch {
	case in.Utilization != nil:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: in.Utilization}, nil
	case average != nil:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: milli(*average)}, nil
	case in.Value != nil:
		return autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: milli(*in.Value)}, nil
	default:
		return autoscalingv2.MetricTarget{}, errors.New("the target is missing")
	}
}

// propose returns what the operator makes of the metric alone.
func (in *calculatorInput) propose(ctx context.Context, m autoscalingv2.MetricSpec, o Options) (engine.Proposal, error) {
	d := policy.UpstreamDefaults()
	var err error
	if d.CPUInitialization, err = seconds(in.CPU); err != nil {
		return engine.Proposal{}, err
	}
	if d.InitialReadiness, err = seconds(in.Readiness); err != nil {
		return engine.Proposal{}, err
	}
	h := in.hpa(m)
	if err := in.tolerate(h, &d); err != nil {
		return engine.Proposal{}, err
	}
	s := &stage{
		hpa: h, defaults: d, decide: engine.Without(o.Without...),
		pods: in.Pods, gets: []scaleGet{in.size()}, metrics: in.Reads,
	}
	s.sync(ctx)
	switch {
	case s.record == nil:
		return engine.Proposal{}, fmt.Errorf("no decision: %w", s.err)
	case len(s.record.Decision.Proposals) != 1:
		return engine.Proposal{}, fmt.Errorf("%d proposals: %w", len(s.record.Decision.Proposals), s.err)
	}
	return s.record.Decision.Proposals[0], nil
}

// hpa is an HPA with one metric whose bounds never speak.
func (in *calculatorInput) hpa(m autoscalingv2.MetricSpec) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: in.Namespace, Name: "hpa"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: objectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: "target"},
			MinReplicas:    new(int32(0)),
			MaxReplicas:    math.MaxInt32,
			Metrics:        []autoscalingv2.MetricSpec{m},
		},
		Status: autoscalingv2.HorizontalPodAutoscalerStatus{
			// A target at zero is one that the HPA took there: else nothing is computed.
			Conditions: []autoscalingv2.HorizontalPodAutoscalerCondition{
				{Type: autoscalingv2.ScaledToZero, Status: corev1.ConditionTrue},
			},
		},
	}
}

// tolerate sets the tolerances: one for both directions by the controller's
// flag, others by behavior.
func (in *calculatorInput) tolerate(h *autoscalingv2.HorizontalPodAutoscaler, d *policy.Defaults) error {
	t := in.Tolerances
	var err error
	if d.Tolerance, err = t.Down.Float64(); err != nil || t.Up == t.Down {
		return err
	}
	up, err := resource.ParseQuantity(t.Up.String())
	if err != nil {
		return fmt.Errorf("tolerances.scale_up: %w", err)
	}
	h.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: &autoscalingv2.HPAScalingRules{Tolerance: &up}}
	return nil
}

// size is the scale of the target; what the function was not told is as large
// as what it was told.
func (in *calculatorInput) size() scaleGet {
	g := scaleGet{GroupResource: "deployments.apps", Name: "target", Selector: in.PodsBy}
	for _, n := range []*int32{in.Status, in.Spec} {
		if n != nil {
			g.Spec, g.Status = *n, *n
		}
	}
	if in.Status != nil {
		g.Status = *in.Status
	}
	if g.Selector == "" {
		g.Selector = "no=pods" // the function does not look at pods
	}
	return g
}
