package external

import (
	"context"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
)

// source asks one service on behalf of one object.
type source struct {
	client   externalscaler.ExternalScalerClient
	release  func()
	now      func() time.Time
	address  string
	ref      *externalscaler.ScaledObjectRef
	secrets  []string
	composed bool // a formula takes the values: they need no targets

	mu       sync.Mutex // guards the fields below
	metrics  []trigger.Metric
	streamed bool // the service keeps metrics up to date by itself
	calls    calls
}

// Metrics asks what is measured, unless the service says so by itself.
func (s *source) Metrics(ctx context.Context) ([]trigger.Metric, error) {
	if known, streamed := s.known(); streamed {
		return known, nil
	}
	ctx, done := s.calls.begin(ctx)
	defer done()
	answer, err := s.client.GetMetricSpec(ctx, s.ref)
	if err != nil {
		return nil, s.fault("its metrics", err)
	}
	metrics, err := s.accept(answer)
	if err != nil {
		return nil, err
	}
	s.keep(metrics, false)
	return metrics, nil
}

// Read asks for all values, and whether there is work.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	metrics, _ := s.known()
	if metrics == nil {
		var err error
		if metrics, err = s.Metrics(ctx); err != nil {
			return trigger.Sample{}, err
		}
	}
	ctx, done := s.calls.begin(ctx)
	defer done()
	sample := trigger.Sample{At: s.now(), Parts: make([]trigger.Part, 0, len(metrics))}
	for _, m := range metrics {
		value, err := s.value(ctx, m.Name)
		if err != nil {
			return trigger.Sample{}, err
		}
		sample.Parts = append(sample.Parts, trigger.Part{Metric: m.Name, Value: value})
	}
	answer, err := s.client.IsActive(ctx, s.ref)
	if err != nil {
		return trigger.Sample{}, s.fault("whether there is work", err)
	}
	sample.Active = new(answer.GetResult())
	return sample, nil
}

// value is the sum of what the service answers for one metric: KEDA hands all
// on to the HPA, which adds them up.
func (s *source) value(ctx context.Context, metric string) (float64, error) {
	answer, err := s.client.GetMetrics(ctx, &externalscaler.GetMetricsRequest{ScaledObjectRef: s.ref, MetricName: metric})
	if err != nil {
		return 0, s.fault(fmt.Sprintf("metric %q", metric), err)
	}
	if len(answer.GetMetricValues()) == 0 {
		return 0, fmt.Errorf("external scaler %s: metric %q has no value; want at least one in the answer to GetMetrics", s.address, s.conceal(metric))
	}
	total := 0.0
	for _, v := range answer.GetMetricValues() {
		if f := v.GetMetricValueFloat(); f != 0 {
			total += f
			continue
		}
		total += float64(v.GetMetricValue())
	}
	return total, nil
}

// mostMetrics bounds what one read may ask for.
const mostMetrics = 100

// accept checks what a service says that it measures.
func (s *source) accept(answer *externalscaler.GetMetricSpecResponse) ([]trigger.Metric, error) {
	specs := answer.GetMetricSpecs()
	if len(specs) == 0 || len(specs) > mostMetrics {
		return nil, fmt.Errorf("external scaler %s: it names %d metrics; want 1 to %d in the answer to GetMetricSpec", s.address, len(specs), mostMetrics)
	}
	metrics := make([]trigger.Metric, 0, len(specs))
	seen := make(map[string]bool, len(specs))
	for i, spec := range specs {
		m := trigger.Metric{Name: spec.GetMetricName(), Target: spec.GetTargetSizeFloat()}
		if !(m.Target > 0) { // also when it is not a number
			m.Target = float64(spec.GetTargetSize())
		}
		if err := s.check(m, seen[m.Name]); err != nil {
			return nil, fmt.Errorf("external scaler %s: metric %d, %q: %w", s.address, i+1, s.conceal(m.Name), err)
		}
		seen[m.Name] = true
		metrics = append(metrics, m)
	}
	return metrics, nil
}

func (s *source) check(m trigger.Metric, twice bool) error {
	switch {
	case m.Name == "":
		return errors.New("it has no name")
	case twice:
		return errors.New("another one has the same name")
	case s.composed:
		return nil
	case !(m.Target > 0) || math.IsInf(m.Target, 0):
		return fmt.Errorf("its target is %v; want targetSizeFloat or targetSize above 0", m.Target)
	}
	return nil
}

func (s *source) known() (metrics []trigger.Metric, streamed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.metrics, s.streamed
}

func (s *source) keep(metrics []trigger.Metric, streamed bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.metrics, s.streamed = metrics, streamed
}

// loseStream makes the metrics be asked for again.
func (s *source) loseStream() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.streamed = false
}

// Close ends what is under way, and gives the connection back.
func (s *source) Close() error {
	s.calls.end()
	s.release()
	return nil
}
