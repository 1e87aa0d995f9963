package hpa

import (
	"context"
	"fmt"
	"math"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/policy"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// pollEvery is how often the aggregated metrics APIs are asked for one HPA:
// upstream's sync period. A pod event in between decides on the last answer.
const pollEvery = 15 * time.Second

// polls keeps the last answers of metrics APIs, one a signal.
type polls map[string]poll

type poll struct {
	at       time.Time
	measures []Measure
	value    int64
	err      error
}

// reset forgets all answers, such as after a change of the spec.
func (p polls) reset() { clear(p) }

// poll returns the answer for a signal, asking when there is none that is
// recent, and notes when the next is due.
func (e *eye) poll(signal string, at time.Time, ask func(*poll)) *poll {
	got, ok := e.polls[signal]
	if !ok || at.Sub(got.at) >= pollEvery {
		got = poll{at: at, measures: got.measures[:0]}
		ask(&got)
		if e.polls == nil {
			e.polls = make(polls)
		}
		e.polls[signal] = got
	}
	e.recheck = earliest(e.recheck, got.at.Add(pollEvery))
	return &got
}

// resource measures the pods' CPU or memory into e.measures.
func (e *eye) resource(ctx context.Context, at time.Time, src *policy.Source) (err error) {
	q := ResourceQuery{
		Namespace: e.target.Namespace, Selector: e.selected.Selector(),
		Resource: src.Resource, Container: src.Container,
	}
	if !e.ports.ResourcesPolled {
		e.measures, err = e.ports.Resources.Measures(ctx, q, e.pods, e.measures[:0])
		return err
	}
	got := e.poll(src.Signal, at, func(p *poll) {
		p.measures, p.err = e.ports.Resources.Measures(ctx, q, e.pods, p.measures)
	})
	e.measures = append(e.measures[:0], got.measures...)
	return got.err
}

// podsMetric measures a custom metric of the pods into e.measures.
func (e *eye) podsMetric(ctx context.Context, at time.Time, src *policy.Source) error {
	got := e.poll(src.Signal, at, func(p *poll) {
		p.measures, p.err = e.ports.Custom.PodMeasures(ctx, PodsQuery{
			Namespace: e.target.Namespace, Pods: e.selected.Selector(),
			Metric: src.MetricName, Selector: src.Selector,
		}, p.measures)
	})
	e.measures = append(e.measures[:0], got.measures...)
	return got.err
}

// objectMetric reads one value that describes an object.
func (e *eye) objectMetric(ctx context.Context, at time.Time, src *policy.Source, r *engine.Reading) error {
	o := src.DescribedObject
	got := e.poll(src.Signal, at, func(p *poll) {
		p.value, _, p.err = e.ports.Custom.ObjectValue(ctx, ObjectQuery{
			Namespace: e.target.Namespace,
			Kind:      schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind(),
			Name:      o.Name, Metric: src.MetricName, Selector: src.Selector,
		})
	})
	if got.err != nil {
		return fmt.Errorf("unable to get metric %s on %s %s/%s: %w", src.MetricName, o.Kind, e.target.Namespace, o.Name, got.err)
	}
	e.value(r, got)
	return nil
}

// externalMetric sums the series of a value from outside the cluster.
func (e *eye) externalMetric(ctx context.Context, at time.Time, src *policy.Source, r *engine.Reading) error {
	got := e.poll(src.Signal, at, func(p *poll) {
		var all []int64
		all, _, p.err = e.ports.External.Values(ctx, e.target.Namespace, src.MetricName, src.Selector)
		p.value = sum(all)
	})
	if got.err != nil {
		return fmt.Errorf("unable to get external metric %s/%s/%+v: %w", e.target.Namespace, src.MetricName, e.selectorOf(src), got.err)
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

func (e *eye) value(r *engine.Reading, p *poll) {
	r.At, r.Value, r.ReadyPods = p.at, float64(p.value), e.ready()
	r.Listed = int32(min(len(e.pods), math.MaxInt32))
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
