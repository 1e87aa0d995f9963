package bench

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
	"google.golang.org/grpc"
)

// Pushes is an external scaler that says by itself when there is work.
type Pushes struct {
	externalscaler.UnimplementedExternalScalerServer
	Address string
	server  *grpc.Server
	ended   chan struct{}

	mu      sync.Mutex // guards what follows
	values  map[string]int
	streams map[string]chan struct{} // of the objects that listen, closed at the event
	told    map[string]time.Time     // when the event of an object went out
}

// pushTarget is what one replica should have.
const pushTarget = 5

// NewPushes serves on a free port of this machine.
func NewPushes(ctx context.Context) (*Pushes, error) {
	l, err := loopback.Listen(ctx, "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listen as an external scaler: %w", err)
	}
	p := &Pushes{
		Address: l.Addr().String(), server: grpc.NewServer(), ended: make(chan struct{}),
		values: map[string]int{}, streams: map[string]chan struct{}{}, told: map[string]time.Time{},
	}
	externalscaler.RegisterExternalScalerServer(p.server, p)
	go func() {
		defer close(p.ended)
		_ = p.server.Serve(l) // ends at Close
	}()
	return p, nil
}

// Close ends it.
func (p *Pushes) Close() {
	p.server.Stop()
	<-p.ended
}

// push is an event: there is so much work for an object.
func (p *Pushes) push(of string, value int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.values[of] = value
	p.told[of] = time.Now()
	close(p.streams[of])
	delete(p.streams, of)
}

// listens says that an object would hear of an event.
func (p *Pushes) listens(of string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.streams[of] != nil
}

// sent is when the event of an object went out.
func (p *Pushes) sent(of string) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.told[of]
}

func (p *Pushes) value(of string) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.values[of]
}

// IsActive implements the contract.
func (p *Pushes) IsActive(_ context.Context, r *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	return &externalscaler.IsActiveResponse{Result: p.value(r.Name) > 0}, nil
}

// GetMetricSpec implements the contract.
func (p *Pushes) GetMetricSpec(context.Context, *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	return &externalscaler.GetMetricSpecResponse{MetricSpecs: []*externalscaler.MetricSpec{{MetricName: "work", TargetSize: pushTarget}}}, nil
}

// GetMetrics implements the contract.
func (p *Pushes) GetMetrics(_ context.Context, r *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	return &externalscaler.GetMetricsResponse{MetricValues: []*externalscaler.MetricValue{
		{MetricName: r.MetricName, MetricValue: int64(p.value(r.ScaledObjectRef.Name))},
	}}, nil
}

// StreamIsActive implements the contract: the state as it is, then the event.
func (p *Pushes) StreamIsActive(r *externalscaler.ScaledObjectRef, s grpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	if err := s.Send(&externalscaler.IsActiveResponse{Result: p.value(r.Name) > 0}); err != nil {
		return err
	}
	select {
	case <-s.Context().Done():
		return nil
	case <-p.event(r.Name):
	}
	if err := s.Send(&externalscaler.IsActiveResponse{Result: true}); err != nil {
		return err
	}
	<-s.Context().Done()
	return nil
}

// event is closed when there is work for an object.
func (p *Pushes) event(of string) <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.streams[of] == nil {
		p.streams[of] = make(chan struct{})
	}
	return p.streams[of]
}
