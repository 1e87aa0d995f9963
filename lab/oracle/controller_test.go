package oracle

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
	"pgregory.net/rapid"
)

// turn is one HPA with its world and its past, for one reconcile.
type turn struct {
	*world
	hpa     *autoscalingv2.HorizontalPodAutoscaler
	wants   []engine.Want
	resizes []engine.Resize
	failing map[autoscalingv2.MetricSourceType]bool
}

// outcome is what both sides are compared by.
type outcome struct {
	Wrote      int32  // the new size, -1 for none
	Event      string // about the new size
	Desired    int32
	Conditions map[autoscalingv2.HorizontalPodAutoscalerConditionType]string
}

var errUnread = errors.New("the source does not answer")

// TestController compares whole reconciles: the choice among metrics, some of
// them failing, windows and limits with a past, bounds and zero, and the words
// of conditions and events. It also shows that it would notice: without any
// one rule, some case differs.
func TestController(t *testing.T) {
	klog.SetSlogLogger(slog.New(slog.DiscardHandler))
	const batches, each = 10, 60
	noticed := map[engine.Rule]int{}
	for batch := range batches {
		cases, got := batchOf(t, batch*each, each)
		for name, x := range cases {
			want, steps := x.decide(t, engine.Decide)
			if diff := cmp.Diff(got[name], want); diff != "" {
				t.Errorf("%s: upstream (-), Furl (+):\n%s\nsize %+v, %d pods, failing %v\nspec %v\nwants %v\nresizes %v\n%v",
					name, diff, x.replicas, len(x.upstream), x.failing, x.hpa.Spec.String(), x.wants, x.resizes, steps)
			}
			for _, r := range engine.UpstreamRules() {
				if other, _ := x.decide(t, engine.Without(r)); !cmp.Equal(got[name], other) {
					noticed[r]++
				}
			}
		}
	}
	for _, r := range engine.UpstreamRules() {
		t.Logf("without %s, %d of %d cases differ", r, noticed[r], batches*each)
		if noticed[r] == 0 {
			t.Errorf("no case notices that %s is missing", r)
		}
	}
}

// batchOf draws cases and what upstream makes of them, again if the machine is
// too busy: upstream reads its own clock.
func batchOf(t *testing.T, first, n int) (map[string]*turn, map[string]outcome) {
	t.Helper()
	turns := rapid.Custom(drawTurn)
	for attempt := 1; ; attempt++ {
		began, cases := time.Now(), map[string]*turn{}
		for i := range n {
			x := turns.Example(first + i)
			x.place(fmt.Sprintf("case-%d", first+i))
			cases[x.hpa.Namespace] = x
		}
		got := reconcile(t, cases)
		if time.Since(began) < grid/4 || attempt == 5 {
			return cases, got
		}
	}
}

func drawTurn(t *rapid.T) *turn {
	x := &turn{world: draw(t), failing: map[autoscalingv2.MetricSourceType]bool{}}
	for i := range x.metrics.series {
		x.metrics.series[i] = rapid.Int64Range(0, 50_000).Draw(t, "small") // overflow is TestCalculator's
	}
	for _, kind := range []autoscalingv2.MetricSourceType{
		autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType, autoscalingv2.PodsMetricSourceType,
		autoscalingv2.ObjectMetricSourceType, autoscalingv2.ExternalMetricSourceType,
	} {
		x.failing[kind] = rapid.IntRange(0, 7).Draw(t, "failing") == 0
	}
	// A selector that also lists pods of another name would have to be told apart: one answer for both resource kinds.
	x.failing[autoscalingv2.ContainerResourceMetricSourceType] = x.failing[autoscalingv2.ResourceMetricSourceType]
	low := rapid.SampledFrom([]int32{0, 1, 1, 2, 5}).Draw(t, "min")
	x.hpa = &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Name: "hpa"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{Kind: "Deployment", Name: "x", APIVersion: "apps/v1"},
			MinReplicas:    &low,
			MaxReplicas:    low + rapid.Int32Range(1, 40).Draw(t, "more"),
		},
	}
	for range rapid.IntRange(1, 3).Draw(t, "metrics") {
		x.hpa.Spec.Metrics = append(x.hpa.Spec.Metrics, drawMetric(t))
	}
	if low == 0 {
		x.hpa.Spec.Metrics = append(x.hpa.Spec.Metrics, external(rapid.Int64Range(1, 30_000).Draw(t, "target")))
	}
	if rapid.Bool().Draw(t, "asleep") {
		x.hpa.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{Type: autoscalingv2.ScaledToZero, Status: corev1.ConditionTrue, Reason: "ScaledToZero"}}
	}
	x.drawPast(t)
	return x
}

// drawPast gives the HPA a behavior or not, and recommendations and resizes
// half a cell off the grid on which windows and periods lie.
func (x *turn) drawPast(t *rapid.T) {
	ago := func() time.Time {
		return x.at.Add(-grid/2 - time.Duration(rapid.IntRange(0, 20).Draw(t, "cells"))*grid)
	}
	for range rapid.IntRange(0, 6).Draw(t, "wants") {
		x.wants = append(x.wants, engine.Want{At: ago(), Replicas: rapid.Int32Range(0, 40).Draw(t, "wanted")})
	}
	if rapid.IntRange(0, 2).Draw(t, "behavior") == 0 {
		return
	}
	x.hpa.Spec.Behavior = &autoscalingv2.HorizontalPodAutoscalerBehavior{ScaleUp: drawRules(t), ScaleDown: drawRules(t)}
	for range rapid.IntRange(0, 6).Draw(t, "resizes") {
		change := rapid.Int32Range(1, 10).Draw(t, "change")
		if rapid.Bool().Draw(t, "shrinks") {
			change = -change
		}
		x.resizes = append(x.resizes, engine.Resize{At: ago(), Change: change})
	}
}

func drawRules(t *rapid.T) *autoscalingv2.HPAScalingRules {
	if rapid.IntRange(0, 3).Draw(t, "defaulted") == 0 {
		return nil
	}
	r := &autoscalingv2.HPAScalingRules{}
	if rapid.Bool().Draw(t, "windowed") {
		w := 20 * rapid.Int32Range(0, 15).Draw(t, "window")
		r.StabilizationWindowSeconds = &w
	}
	if rapid.Bool().Draw(t, "tolerant") {
		r.Tolerance = resource.NewMilliQuantity(rapid.Int64Range(0, 500).Draw(t, "tolerance"), resource.DecimalSI)
	}
	if rapid.Bool().Draw(t, "selected") {
		s := rapid.SampledFrom([]autoscalingv2.ScalingPolicySelect{
			autoscalingv2.MaxChangePolicySelect, autoscalingv2.MinChangePolicySelect, autoscalingv2.DisabledPolicySelect,
		}).Draw(t, "select")
		r.SelectPolicy = &s
	}
	for range rapid.IntRange(0, 3).Draw(t, "policies") {
		r.Policies = append(r.Policies, autoscalingv2.HPAScalingPolicy{
			Type:          rapid.SampledFrom([]autoscalingv2.HPAScalingPolicyType{autoscalingv2.PodsScalingPolicy, autoscalingv2.PercentScalingPolicy}).Draw(t, "type"),
			Value:         rapid.Int32Range(1, 120).Draw(t, "value"),
			PeriodSeconds: 20 * rapid.Int32Range(1, 15).Draw(t, "period"),
		})
	}
	return r
}

func external(milli int64) autoscalingv2.MetricSpec {
	return autoscalingv2.MetricSpec{Type: autoscalingv2.ExternalMetricSourceType, External: &autoscalingv2.ExternalMetricSource{
		Metric: autoscalingv2.MetricIdentifier{Name: "queue", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"q": "1"}}},
		Target: autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: resource.NewMilliQuantity(milli, resource.DecimalSI)},
	}}
}

func drawMetric(t *rapid.T) autoscalingv2.MetricSpec {
	percent := rapid.Int32Range(1, 250).Draw(t, "percent")
	q := resource.NewMilliQuantity(rapid.Int64Range(1, 3000).Draw(t, "milli"), resource.DecimalSI)
	util := autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: &percent}
	average := autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: q}
	value := autoscalingv2.MetricTarget{Type: autoscalingv2.ValueMetricType, Value: q}
	service := autoscalingv2.CrossVersionObjectReference{Kind: "Service", Name: "x", APIVersion: "v1"}
	share := external(1)
	share.External.Target = average
	return rapid.SampledFrom([]autoscalingv2.MetricSpec{
		{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu", Target: util}},
		{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: "cpu", Target: average}},
		{Type: autoscalingv2.ResourceMetricSourceType, Resource: &autoscalingv2.ResourceMetricSource{Name: "memory", Target: average}},
		{
			Type:              autoscalingv2.ContainerResourceMetricSourceType,
			ContainerResource: &autoscalingv2.ContainerResourceMetricSource{Name: "cpu", Container: "app", Target: util},
		},
		{Type: autoscalingv2.PodsMetricSourceType, Pods: &autoscalingv2.PodsMetricSource{Metric: autoscalingv2.MetricIdentifier{Name: "qps"}, Target: average}},
		{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: service, Metric: autoscalingv2.MetricIdentifier{Name: "hits"}, Target: value,
		}},
		{Type: autoscalingv2.ObjectMetricSourceType, Object: &autoscalingv2.ObjectMetricSource{
			DescribedObject: service, Metric: autoscalingv2.MetricIdentifier{Name: "hits"}, Target: average,
		}},
		external(q.MilliValue() * 10),
		share,
	}).Draw(t, "metric")
}

// place moves the case into a namespace of its own.
func (x *turn) place(ns string) {
	x.hpa.Namespace = ns
	for _, p := range x.upstream {
		p.Namespace = ns
	}
	x.hpa = policy.Default(x.hpa) // as the API server does
	if errs := policy.Validate(x.hpa); len(errs) > 0 {
		panic(errs.ToAggregate())
	}
}

// decide is the side of Furl.
func (x *turn) decide(t *testing.T, with loop.Decide) (outcome, []engine.Step) {
	t.Helper()
	defaults := policy.UpstreamDefaults()
	defaults.DownscaleStabilization, defaults.CPUInitialization = stabilization, cpuInitialization
	c, err := policy.Compile(x.hpa, defaults)
	if err != nil {
		t.Fatal(err)
	}
	h := engine.Past(x.wants, x.resizes)
	h.Seen = len(x.wants) > 0
	h.Asleep = len(x.hpa.Status.Conditions) > 0
	o := engine.Observation{At: x.at, Replicas: x.replicas}
	if engine.NeedsReadings(c.Policy, x.replicas, h) {
		for i, s := range c.Policy.Signals {
			r := x.reading(s, c.Policy.Grace)
			if x.failing[c.Sources[i].Kind] {
				r = engine.Reading{Signal: s.Name, Missing: errUnread.Error()}
			}
			o.Readings = append(o.Readings, r)
		}
	}
	d, h := with(c.Policy, o, h)
	return x.report(c, d, engine.Applied(c.Policy, d, h)), d.Steps
}

// report says what upstream would make of a decision.
func (x *turn) report(c policy.Compiled, d engine.Decision, h engine.History) outcome {
	out := outcome{Wrote: -1, Desired: d.To, Conditions: map[autoscalingv2.HorizontalPodAutoscalerConditionType]string{}}
	say := func(kind autoscalingv2.HorizontalPodAutoscalerConditionType, v engine.Verdict) {
		status := corev1.ConditionFalse
		if v.True {
			status = corev1.ConditionTrue
		}
		out.Conditions[kind] = words(status, v.Reason, v.Message)
	}
	for _, known := range x.hpa.Status.Conditions {
		out.Conditions[known.Type] = words(known.Status, known.Reason, known.Message)
	}
	say(autoscalingv2.AbleToScale, engine.Verdict{True: true, Reason: "SucceededGetScale", Message: "the HPA controller was able to get the target's current scale"})
	if v, ok := d.AbleToScale(); ok {
		say(autoscalingv2.AbleToScale, v)
	}
	if v, ok := d.ScalingLimited(); ok {
		say(autoscalingv2.ScalingLimited, v)
	}
	if v, ok := d.ScalingActive(); ok {
		say(autoscalingv2.ScalingActive, v)
	}
	if d.Held {
		_, first := d.Invalid()
		if first < 0 {
			return out // a rule is missing
		}
		out.Desired = x.hpa.Status.DesiredReplicas
		out.Conditions[autoscalingv2.ScalingActive] = words(corev1.ConditionFalse, fmt.Sprintf("FailedGet%sMetric", c.Sources[first].Kind), "")
	}
	if d.To != d.From {
		out.Wrote = d.To
		out.Event = fmt.Sprintf("New size: %d; reason: %s", d.To, d.Reason())
		say(autoscalingv2.AbleToScale, engine.Verdict{
			True: true, Reason: "SucceededRescale", Message: fmt.Sprintf("the HPA controller was able to update the target scale to %d", d.To),
		})
		say(autoscalingv2.ScaledToZero, engine.ScaledToZero(h))
	}
	return out
}

// words leaves out why a source failed: both sides wrap that in words of their own.
func words(status corev1.ConditionStatus, reason, message string) string {
	if strings.HasPrefix(reason, "FailedGet") {
		message = ""
	}
	return strings.TrimSpace(fmt.Sprint(status, " ", reason, " ", message))
}
