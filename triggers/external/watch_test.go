package external

import (
	"context"
	"errors"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/external/externalscaler"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// watching runs the Watch of a source.
type watching struct {
	trigger.Source
	emitted chan trigger.Sample
	ended   chan error
	stop    context.CancelFunc
}

func watch(t *testing.T, in trigger.Input) *watching {
	t.Helper()
	source := opens(t, Kinds()[1], in)
	watcher, ok := source.(trigger.Watcher)
	if !ok {
		t.Fatalf("%T does not speak first", source)
	}
	ctx, stop := context.WithCancel(t.Context())
	w := &watching{Source: source, emitted: make(chan trigger.Sample, 100), ended: make(chan error, 1), stop: stop}
	go func() { w.ended <- watcher.Watch(ctx, func(s trigger.Sample) { w.emitted <- s }) }()
	t.Cleanup(func() {
		stop()
		noStreamLeft(t)
	})
	return w
}

// next waits for what a channel gives.
func next[T any](t *testing.T, c <-chan T) T {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	select {
	case v := <-c:
		return v
	case <-ctx.Done():
		t.Fatal("nothing came within 10 s")
	}
	panic("unreachable")
}

// noStreamLeft waits for the goroutines of streams to end.
func noStreamLeft(t *testing.T) {
	t.Helper()
	var all string
	for range 500 {
		buffer := make([]byte, 1<<20)
		all = string(buffer[:runtime.Stack(buffer, true)])
		if !strings.Contains(all, "external.(*pushing)") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("goroutines of a stream are left:\n%s", all)
}

// streams is a queue whose activity a test decides.
func streams() (s *service, active chan bool, ends chan error) {
	s, active, ends = queue(5), make(chan bool), make(chan error)
	s.activity = func(ctx context.Context, send func(bool) error) error {
		for {
			select {
			case a := <-active:
				if err := send(a); err != nil {
					return err
				}
			case err := <-ends:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return s, active, ends
}

func TestExternalPush_tells_of_work_and_not_of_its_end(t *testing.T) {
	s, active, _ := streams()
	w := watch(t, input(serve(t, s).address))
	for _, a := range []bool{true, false, true} {
		active <- a
	}
	for range 2 {
		if sample := next(t, w.emitted); sample.Active == nil || !*sample.Active || sample.At.IsZero() || sample.Parts != nil {
			t.Errorf("%+v, want work and no values", sample)
		}
	}
	w.stop()
	if err := next(t, w.ended); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of its context", err)
	}
	if len(w.emitted) != 0 {
		t.Errorf("%+v was told too", <-w.emitted)
	}
}

func TestExternalPush_says_why_a_stream_ended(t *testing.T) {
	for _, tc := range []struct {
		why  string
		end  func(*running, chan error)
		want func(error) bool
	}{
		{"in_order", func(_ *running, ends chan error) { ends <- nil }, func(err error) bool { return errors.Is(err, io.EOF) }},
		{
			"by_a_fault", func(_ *running, ends chan error) { ends <- status.Error(codes.Aborted, "rebalancing") },
			func(err error) bool { return !errors.Is(err, io.EOF) && strings.Contains(err.Error(), "rebalancing") },
		},
		{
			"by_the_end_of_the_server", func(r *running, _ chan error) { r.Stop() },
			func(err error) bool { return !errors.Is(err, io.EOF) && strings.Contains(err.Error(), "Unavailable") },
		},
	} {
		t.Run(tc.why, func(t *testing.T) {
			s, active, ends := streams()
			server := serve(t, s)
			w := watch(t, input(server.address))
			active <- true
			next(t, w.emitted)
			tc.end(server, ends)
			if err := next(t, w.ended); !tc.want(err) {
				t.Errorf("ended by %v", err)
			}
		})
	}
}

func TestExternalPush_returns_soon_when_it_is_cancelled_or_closed(t *testing.T) {
	for why, end := range map[string]func(*watching){
		"cancelled": func(w *watching) { w.stop() },
		"closed":    func(w *watching) { _ = w.Close() },
	} {
		t.Run(why, func(t *testing.T) {
			s, active, _ := streams()
			w := watch(t, input(serve(t, s).address))
			active <- true
			next(t, w.emitted)
			begin := time.Now()
			end(w)
			if err := next(t, w.ended); err == nil {
				t.Error("ended without a reason")
			}
			if d := time.Since(begin); d > 100*time.Millisecond {
				t.Errorf("took %s", d)
			}
		})
	}
}

func TestExternalPush_fails_where_the_service_has_no_stream(t *testing.T) {
	w := watch(t, input(serve(t, queue(5)).address))
	if err := next(t, w.ended); err == nil || !strings.Contains(err.Error(), "Unimplemented") {
		t.Errorf("%v, want it to say that the service does not implement it", err)
	}
}

func TestExternalPush_takes_targets_from_the_stream_of_metrics(t *testing.T) {
	s, active, _ := streams()
	pushed, ends := make(chan float64), make(chan error)
	s.metrics = func(ctx context.Context, send func(*externalscaler.GetMetricSpecResponse) error) error {
		for {
			select {
			case target := <-pushed:
				if err := send(specs(&externalscaler.MetricSpec{MetricName: "queue", TargetSizeFloat: target})); err != nil {
					return err
				}
			case err := <-ends:
				return err
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	w := watch(t, input(serve(t, s).address))
	pushed <- 9
	if diff := cmp.Diff(trigger.Sample{}, untimed(next(t, w.emitted))); diff != "" {
		t.Errorf("a change of targets is only news (-want +got):\n%s", diff)
	}
	targets(t, w, "while the stream is open", 9)
	if asked := s.questions(); slices.Contains(asked, "specs") {
		t.Errorf("asked for %q, want no question that the stream answers", asked)
	}
	pushed <- 9 // the same again
	active <- true
	if sample := next(t, w.emitted); sample.Active == nil {
		t.Errorf("%+v was told, though nothing changed", sample)
	}
	ends <- nil
	for isStreamed(w) {
		time.Sleep(time.Millisecond)
	}
	targets(t, w, "after the stream", 5)
	if _, err := read(t, w); err != nil { // which tries the stream again
		t.Fatal(err)
	}
	pushed <- 11
	next(t, w.emitted)
	targets(t, w, "when it is back", 11)
}

func untimed(s trigger.Sample) trigger.Sample {
	s.At = time.Time{}
	return s
}

func isStreamed(w *watching) bool {
	p, ok := w.Source.(*pushing)
	if !ok {
		return false
	}
	_, streamed := p.known()
	return streamed
}

func targets(t *testing.T, w *watching, when string, want float64) {
	t.Helper()
	metrics, err := metricsOf(t, w.Source)
	if err != nil || len(metrics) != 1 || metrics[0].Target != want {
		t.Errorf("%s: %v, %v, want target %v", when, metrics, err, want)
	}
}
