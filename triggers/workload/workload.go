// Package workload counts the pods of other workloads, so that one can keep pace with another.
package workload

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/ending"
)

// Kind describes the trigger; triggers/all lists it.
func Kind() trigger.Kind {
	return trigger.Define("kubernetes-workload", "Counts the pods of the namespace that match a label selector and have not ended.", open)
}

type config struct {
	PodSelector string  `cfg:"podSelector" example:"app=backend" doc:"label selector of the pods to count, such as app=backend, tier in (a, b)"`
	Value       float64 `cfg:"value,default=0,role=target" example:"2" doc:"counted pods for one replica; above 0"`
	Activation  float64 `cfg:"activationValue,default=0,role=activation" doc:"pods above which the workload becomes active"`
	GroupByNode bool    `cfg:"groupByNode,default=false" doc:"count the distinct nodes of the pods instead"`

	Namespace trigger.Namespace
}

// Validate finds what a cluster would refuse at each read.
func (c config) Validate() error {
	if err := checkSelector(c.PodSelector); err != nil {
		return fmt.Errorf("podSelector %q: %w", c.PodSelector, err)
	}
	return nil
}

// MetricName is KEDA's.
func (c config) MetricName() string { return "workload-" + string(c.Namespace) }

type source struct {
	cluster             trigger.Cluster
	namespace, selector string
	byNode              bool
	now                 func() time.Time
}

func open(_ context.Context, c config, env trigger.Env) (trigger.Source, error) {
	if env.Cluster == nil {
		return nil, errors.New("pods can be counted in a cluster only, and there is none here")
	}
	return ending.Wrap(&source{env.Cluster, string(c.Namespace), c.PodSelector, c.GroupByNode, env.Now}, 0), nil
}

// Read counts once.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	n, err := s.cluster.CountPods(ctx, s.namespace, s.selector, s.byNode)
	if err != nil {
		return trigger.Sample{}, fmt.Errorf("count pods %q in namespace %q: %w", s.selector, s.namespace, err)
	}
	return trigger.Sample{At: s.now(), Value: float64(n)}, nil
}

// Close has nothing to give back.
func (*source) Close() error { return nil }
