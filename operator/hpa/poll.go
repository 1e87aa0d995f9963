package hpa

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/policy"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// podsMetric measures a custom metric of the pods.
func (e *eye) podsMetric(ctx context.Context, at time.Time, src *policy.Source) error {
	got := e.workload.Poll(src.Signal, at, func(p *measure.Poll) {
		p.Measures, p.Err = e.ports.Custom.PodMeasures(ctx, PodsQuery{
			Namespace: e.target.Namespace, Pods: e.workload.Selector(),
			Metric: src.MetricName, Selector: src.Selector,
		}, p.Measures)
	})
	e.workload.Measures = append(e.workload.Measures[:0], got.Measures...)
	return got.Err
}

// objectMetric reads one value that describes an object.
func (e *eye) objectMetric(ctx context.Context, at time.Time, src *policy.Source, r *engine.Reading) error {
	o := src.DescribedObject
	got := e.workload.Poll(src.Signal, at, func(p *measure.Poll) {
		p.Value, _, p.Err = e.ports.Custom.ObjectValue(ctx, ObjectQuery{
			Namespace: e.target.Namespace,
			Kind:      schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind(),
			Name:      o.Name, Metric: src.MetricName, Selector: src.Selector,
		})
	})
	if got.Err != nil {
		return fmt.Errorf("unable to get metric %s on %s %s/%s: %w", src.MetricName, o.Kind, e.target.Namespace, o.Name, got.Err)
	}
	e.value(r, got)
	return nil
}

// externalMetric sums the series of a value from outside the cluster.
func (e *eye) externalMetric(ctx context.Context, at time.Time, src *policy.Source, r *engine.Reading) error {
	got := e.workload.Poll(src.Signal, at, func(p *measure.Poll) {
		var all []int64
		all, _, p.Err = e.ports.External.Values(ctx, e.target.Namespace, src.MetricName, src.Selector)
		p.Value = sum(all)
	})
	if got.Err != nil {
		return fmt.Errorf("unable to get external metric %s/%s/%+v: %w", e.target.Namespace, src.MetricName, e.selectorOf(src), got.Err)
	}
	e.value(r, got)
	return nil
}

// selectorOf is the selector of an External metric as the user wrote it, for messages.
func (e *eye) selectorOf(src *policy.Source) *metav1.LabelSelector {
	for i := range e.sources {
		if e.sources[i].Signal == src.Signal && i < len(e.metrics) && e.metrics[i].External != nil {
			return e.metrics[i].External.Metric.Selector
		}
	}
	return nil
}

func (e *eye) value(r *engine.Reading, p *measure.Poll) {
	r.At, r.Value = p.At, float64(p.Value)
	r.ReadyPods, r.Listed = e.workload.Ready(), e.workload.Listed()
}

// sum adds series and ends at the largest or the smallest number instead of
// passing it: two huge negative series must not add up to an idle one.
func sum(values []int64) int64 {
	var total int64
	for _, v := range values {
		switch {
		case v > 0 && total > math.MaxInt64-v:
			return math.MaxInt64
		case v < 0 && total < math.MinInt64-v:
			return math.MinInt64
		}
		total += v
	}
	return total
}
