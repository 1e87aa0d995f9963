package pool

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/external"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
	"google.golang.org/grpc"
)

// scaler is an external scaler whose work a test announces.
type scaler struct {
	externalscaler.UnimplementedExternalScalerServer
	work chan int64 // a length of the queue to announce
	now  chan int64 // holds the length
}

func newScaler() *scaler {
	s := &scaler{work: make(chan int64), now: make(chan int64, 1)}
	s.now <- 0
	return s
}

func (s *scaler) length() int64 {
	n := <-s.now
	s.now <- n
	return n
}

func (s *scaler) GetMetricSpec(context.Context, *externalscaler.ScaledObjectRef) (*externalscaler.GetMetricSpecResponse, error) {
	return &externalscaler.GetMetricSpecResponse{MetricSpecs: []*externalscaler.MetricSpec{{MetricName: "queue", TargetSizeFloat: 5}}}, nil
}

func (s *scaler) GetMetrics(context.Context, *externalscaler.GetMetricsRequest) (*externalscaler.GetMetricsResponse, error) {
	return &externalscaler.GetMetricsResponse{MetricValues: []*externalscaler.MetricValue{{MetricName: "queue", MetricValue: s.length()}}}, nil
}

func (s *scaler) IsActive(context.Context, *externalscaler.ScaledObjectRef) (*externalscaler.IsActiveResponse, error) {
	return &externalscaler.IsActiveResponse{Result: s.length() > 0}, nil
}

func (s *scaler) StreamIsActive(_ *externalscaler.ScaledObjectRef, stream grpc.ServerStreamingServer[externalscaler.IsActiveResponse]) error {
	for {
		select {
		case n := <-s.work:
			<-s.now
			s.now <- n
			if err := stream.Send(&externalscaler.IsActiveResponse{Result: n > 0}); err != nil {
				return err
			}
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

func TestPool_knows_of_work_at_an_external_scaler_as_soon_as_it_is_announced(t *testing.T) {
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	remote, server := newScaler(), grpc.NewServer()
	externalscaler.RegisterExternalScalerServer(server, remote)
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	t.Cleanup(func() {
		server.Stop()
		if err := <-served; err != nil {
			t.Errorf("serve: %v", err)
		}
	})
	config, err := external.Kinds()[1].Decode(trigger.Input{
		Namespace: "shop", Object: "orders", Metadata: map[string]string{"scalerAddress": l.Addr().String()},
	})
	if err != nil {
		t.Fatal(err)
	}

	p := start(t, func(o *Options) {
		o.Env = trigger.Env{HTTP: http.DefaultClient, Log: slog.New(slog.DiscardHandler), Now: time.Now}
	})
	news := make(chan struct{}, 100)
	lease := p.Use("shop/orders", config, time.Hour, func() { news <- struct{}{} })
	until(t, news, "the first read", func() bool { return len(lease.Last().Sample.Parts) == 1 })

	begun := time.Now()
	remote.work <- 40
	until(t, news, "the announcement", func() bool { return !lease.Last().Pushed.IsZero() })
	told := time.Since(begun)
	until(t, news, "the values", func() bool { return lease.Last().Sample.Parts[0].Value == 40 })
	known := time.Since(begun)
	t.Logf("work was known after %s, its values after %s", told, known)
	if known > 5*time.Second { // half an hour or so without the push
		t.Errorf("values were known after %s", known)
	}
	got := lease.Last()
	if got.Metrics[0] != (trigger.Metric{Name: "queue", Target: 5}) || got.Sample.Active == nil || !*got.Sample.Active {
		t.Errorf("%+v, want the metrics of the scaler, and work", got)
	}
}

// until waits for news that make a fact true.
func until(t *testing.T, news <-chan struct{}, what string, isTrue func() bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for !isTrue() {
		select {
		case <-news:
		case <-ctx.Done():
			t.Fatalf("%s: not known after 20 s", what)
		}
	}
}
