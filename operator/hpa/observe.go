package hpa

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/policy"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
)

// eye sees one HPA's workload: its size, its pods and what is measured of
// them. It is the loop.Observer.
type eye struct {
	ports   *Ports
	target  kube.Target
	sources []policy.Source
	metrics []autoscalingv2.MetricSpec // as the user wrote them

	scale    kube.Scale // as last seen by Size
	workload measure.Workload
	readings []engine.Reading
}

// Size implements loop.Observer.
func (e *eye) Size(ctx context.Context) (engine.Replicas, error) {
	s, err := e.ports.Scales.Get(ctx, e.target)
	if err != nil {
		return engine.Replicas{}, err
	}
	e.scale = s
	return s.Replicas, nil
}

// Read implements loop.Observer.
func (e *eye) Read(ctx context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error) {
	if err := e.workload.Choose(e.scale.Selector); err != nil {
		return nil, err
	}
	e.workload.Settle()
	e.workload.Look()
	e.readings = e.readings[:0]
	for i := range p.Signals {
		r := engine.Reading{Signal: p.Signals[i].Name, At: at, Missing: p.Signals[i].Fault}
		if r.Missing == "" {
			e.read(ctx, at, &p.Signals[i], &e.sources[i], p.Grace, &r)
		}
		e.readings = append(e.readings, r)
	}
	// The record keeps the readings, the next tick reuses the buffer.
	return append([]engine.Reading(nil), e.readings...), nil
}

// read fills in one reading.
func (e *eye) read(ctx context.Context, at time.Time, s *engine.Signal, src *policy.Source, g engine.Grace, r *engine.Reading) {
	var err error
	switch src.Kind {
	case autoscalingv2.ResourceMetricSourceType, autoscalingv2.ContainerResourceMetricSourceType:
		if err = e.workload.Measure(ctx, at, src); err == nil {
			r.Usage = e.workload.Group(at, s, src, g)
		} else {
			err = fmt.Errorf("unable to get metrics for resource %s: %w", src.Resource, err)
		}
	case autoscalingv2.PodsMetricSourceType:
		if err = e.podsMetric(ctx, at, src); err == nil {
			r.Usage = e.workload.Group(at, s, src, g)
		} else {
			err = fmt.Errorf("unable to get metric %s: %w", src.MetricName, err)
		}
	case autoscalingv2.ObjectMetricSourceType:
		err = e.objectMetric(ctx, at, src, r)
	case autoscalingv2.ExternalMetricSourceType:
		err = e.externalMetric(ctx, at, src, r)
	default:
		err = fmt.Errorf("unknown metric source type %q", src.Kind)
	}
	if err != nil {
		r.Missing = err.Error()
	}
}
