package metricsapi

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/webauth"
	"golang.org/x/sync/errgroup"
)

// together is how many pods are asked at one time, as in KEDA.
const together = 5

type source struct {
	account          *webauth.Account
	place            place
	service          service // where each pod is asked
	location, format string
	cluster          trigger.Cluster
	now              func() time.Time
}

// Read asks the server once, or each pod of the Service once.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	read := s.one
	if s.place.Each {
		read = s.each
	}
	n, err := read(ctx, s.place.URL)
	if err != nil {
		return trigger.Sample{}, err
	}
	return trigger.Sample{At: s.now(), Value: n}, nil
}

// Close gives the client back.
func (s *source) Close() error { return s.account.Close() }

func (s *source) one(ctx context.Context, from string) (float64, error) {
	answer, err := s.account.Get(ctx, from)
	if err != nil {
		return 0, err
	}
	return number(answer.Body, s.location, s.format)
}

// each asks the pods; those that do not answer are left out, as in KEDA.
func (s *source) each(ctx context.Context, _ string) (float64, error) {
	addresses, err := s.cluster.Endpoints(ctx, s.service.namespace, s.service.name, s.service.port)
	if err != nil {
		return 0, fmt.Errorf("pods of service %s/%s: %w", s.service.namespace, s.service.name, err)
	}
	if len(addresses) == 0 {
		return 0, fmt.Errorf("service %s/%s has no ready pod on port %d", s.service.namespace, s.service.name, s.service.port)
	}
	values, err := s.ask(ctx, addresses)
	if len(values) == 0 {
		return 0, fmt.Errorf("none of the %d pods of service %s/%s says a value: %w", len(addresses), s.service.namespace, s.service.name, err)
	}
	return aggregate(values, s.place.Aggregation), nil
}

// ask returns the values that there are, and why the first of the others is missing.
func (s *source) ask(ctx context.Context, addresses []string) ([]float64, error) {
	values, errs := make([]float64, len(addresses)), make([]error, len(addresses))
	var group errgroup.Group
	group.SetLimit(together)
	for i, address := range addresses {
		group.Go(func() error {
			to := s.service.url
			to.Host = address
			values[i], errs[i] = s.one(ctx, to.String())
			return nil
		})
	}
	_ = group.Wait() // the errors are in errs
	var there []float64
	for i, err := range errs {
		if err == nil {
			there = append(there, values[i])
		}
	}
	return there, cmp.Or(errs...)
}

func aggregate(values []float64, how string) float64 {
	switch how {
	case "max":
		return slices.Max(values)
	case "min":
		return slices.Min(values)
	}
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	if how == "sum" {
		return sum
	}
	return sum / float64(len(values))
}
