package external

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"sync"

	"github.com/furl-dev/furl/trigger"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// pushing is a source whose service also speaks first.
type pushing struct {
	*source
	again chan struct{} // holds one token when it is worth trying the stream of metrics again
}

// Read also gives a broken stream of metrics another chance, at the pace of reads.
func (p *pushing) Read(ctx context.Context) (trigger.Sample, error) {
	select {
	case p.again <- struct{}{}:
	default:
	}
	return p.source.Read(ctx)
}

// Watch tells of work when the service does, and asks to be read when the
// service has new targets. It says nothing when work ends: a read does.
func (p *pushing) Watch(ctx context.Context, emit func(trigger.Sample)) error {
	ctx, done := p.calls.begin(ctx)
	var metrics sync.WaitGroup
	defer metrics.Wait()
	defer done()
	var mu sync.Mutex // one goroutine at a time may emit
	tell := func(s trigger.Sample) {
		mu.Lock()
		defer mu.Unlock()
		emit(s)
	}
	metrics.Go(func() { p.watchMetrics(ctx, tell) })
	return p.watchActivity(ctx, tell)
}

func (p *pushing) watchActivity(ctx context.Context, tell func(trigger.Sample)) error {
	stream, err := p.client.StreamIsActive(ctx, p.ref)
	if err != nil {
		return p.fault("a stream of activity", err)
	}
	for {
		answer, err := stream.Recv()
		if err != nil {
			return p.broken("a stream of activity", err)
		}
		if answer.GetResult() {
			tell(trigger.Sample{At: p.now(), Active: new(true)})
		}
	}
}

// watchMetrics follows the metrics until ctx ends or the service turns out not
// to stream them, which it need not.
func (p *pushing) watchMetrics(ctx context.Context, tell func(trigger.Sample)) {
	for ctx.Err() == nil {
		err := p.followMetrics(ctx, tell)
		p.loseStream()
		if status.Code(err) == codes.Unimplemented {
			return
		}
		select {
		case <-p.again:
		case <-ctx.Done():
		}
	}
}

// followMetrics takes what one stream says. An answer that makes no sense is
// left to the next read, whose error users see.
func (p *pushing) followMetrics(ctx context.Context, tell func(trigger.Sample)) error {
	stream, err := p.client.StreamMetricSpec(ctx, p.ref)
	if err != nil {
		return err
	}
	for {
		answer, err := stream.Recv()
		if err != nil {
			return err
		}
		metrics, err := p.accept(answer)
		if err != nil {
			return err
		}
		before, _ := p.known()
		p.keep(metrics, true)
		if !slices.Equal(before, metrics) {
			tell(trigger.Sample{At: p.now()})
		}
	}
}

// broken is why a stream ended; a service that ended it in order gives io.EOF.
func (p *pushing) broken(what string, err error) error {
	if errors.Is(err, io.EOF) {
		return fmt.Errorf("external scaler %s ended %s: %w", p.address, what, err)
	}
	return p.fault(what, err)
}
