package delivery

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/furl-dev/furl/lab/direct"
	"github.com/furl-dev/furl/lab/sqs"
	"github.com/furl-dev/furl/lab/vllm"
	"github.com/furl-dev/furl/workload/inference"
)

const url = "http://127.0.0.1:4100/000000000000/furl-keda"

// scene is a queue and the pods that work on it.
type scene struct {
	t      *testing.T
	queue  *sqs.Server
	random *rand.Rand
	pods   []*pod
	sent   int

	mu       sync.Mutex // guards all below
	answered map[string]int
	receipts int            // messages given out
	events   map[string]int // of the workers' logs, by message
}

func newScene(t *testing.T, seed uint64) *scene {
	t.Helper()
	s := &scene{
		t: t, queue: sqs.New(sqs.Config{}), random: rand.New(rand.NewPCG(seed, 1)), answered: map[string]int{}, events: map[string]int{},
	}
	if _, err := s.client(direct.Transport{Handler: s.queue}).CreateQueue(t.Context(), &awssqs.CreateQueueInput{QueueName: aws.String("furl-keda")}); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *scene) client(transport http.RoundTripper) *awssqs.Client {
	return awssqs.New(awssqs.Options{
		Region: "us-west-2", BaseEndpoint: aws.String("http://127.0.0.1:4100"), HTTPClient: &http.Client{Transport: transport},
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
	})
}

// send puts prompts into the queue that take from least to most to answer.
func (s *scene) send(n int, least, most time.Duration) {
	s.t.Helper()
	c := s.client(direct.Transport{Handler: s.queue})
	for range n {
		s.sent++
		tokens := int((least + time.Duration(s.random.Int64N(int64(most-least)))) / time.Second) // at one a second
		body, err := json.Marshal(map[string]any{
			"id": fmt.Sprint(s.sent), "prompt": fmt.Sprint("prompt ", s.sent), "parameters": map[string]any{"max_tokens": tokens},
		})
		if err != nil {
			s.t.Fatal(err)
		}
		if _, err := c.SendMessage(s.t.Context(), &awssqs.SendMessageInput{QueueUrl: aws.String(url), MessageBody: aws.String(string(body))}); err != nil {
			s.t.Fatal(err)
		}
	}
}

// counts are the queue's own: visible and in flight.
func (s *scene) counts() (visible, inFlight string) {
	s.t.Helper()
	out, err := s.client(direct.Transport{Handler: s.queue}).GetQueueAttributes(s.t.Context(), &awssqs.GetQueueAttributesInput{
		QueueUrl: aws.String(url), AttributeNames: []types.QueueAttributeName{"All"},
	},
	)
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Attributes["ApproximateNumberOfMessages"], out.Attributes["ApproximateNumberOfMessagesNotVisible"]
}

// drain waits until the queue is empty.
func (s *scene) drain(atMost time.Duration) {
	s.t.Helper()
	for until := time.Now().Add(atMost); ; time.Sleep(time.Second) {
		visible, inFlight := s.counts()
		if visible == "0" && inFlight == "0" {
			return
		}
		if time.Now().After(until) {
			s.t.Fatalf("after %v there are %s messages visible and %s in flight", atMost, visible, inFlight)
		}
	}
}

// Handle implements slog.Handler: the scene reads what the workers log.
func (s *scene) Handle(_ context.Context, r slog.Record) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.events[r.Message]++
	r.Attrs(func(a slog.Attr) bool {
		if r.Message == "answered" && a.Key == "message" {
			s.answered[a.Value.String()]++
		}
		return true
	})
	return nil
}

// Enabled implements slog.Handler.
func (s *scene) Enabled(context.Context, slog.Level) bool { return true }

// WithAttrs implements slog.Handler; workers have none.
func (s *scene) WithAttrs([]slog.Attr) slog.Handler { return s }

// WithGroup implements slog.Handler; workers have none.
func (s *scene) WithGroup(string) slog.Handler { return s }

func (s *scene) count(event string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.events[event]
}

// check says how many messages were answered never, and how many more than once.
func (s *scene) check() (lost, doubled int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.answered {
		if n > 1 {
			doubled++
		}
	}
	return s.sent - len(s.answered), doubled
}

// errKilled is what requests of a killed pod end with.
var errKilled = errors.New("the process was killed")

// pod is a worker and its model, which end together.
type pod struct {
	stop  context.CancelFunc      // SIGTERM
	kill  context.CancelCauseFunc // SIGKILL: nothing it says reaches anybody any more
	ended chan struct{}
	took  time.Duration // from SIGTERM to the end, once ended is closed
	pages http.Handler  // of the worker
}

// cutTransport lets nothing through once its pod was killed.
type cutTransport struct {
	direct.Transport
	killed context.Context //nolint:containedctx // the life of the pod
}

func (c cutTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	defer cancel(nil)
	defer context.AfterFunc(c.killed, func() { cancel(errKilled) })() //nolint:contextcheck // the pod's life ends the request too
	if c.killed.Err() != nil {
		return nil, errKilled
	}
	return c.Transport.RoundTrip(r.WithContext(ctx))
}

// start starts a pod whose model writes one token a second.
func (s *scene) start(settings inference.Settings) {
	s.t.Helper()
	model, err := vllm.New(vllm.Config{
		Model: "Qwen/Qwen3-4B-FP8", Served: []string{"qwen3-4b-fp8"}, MaxLength: 32768, Load: 8 * time.Second,
		Pace: vllm.Pace{Prefill: 1e9, Single: 1, Total: 1e9, Seats: 8},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	killed, kill := context.WithCancelCause(context.Background())
	ctx, stop := context.WithCancel(killed)
	queue := &inference.SQS{Client: s.client(cutTransport{direct.Transport{Handler: s}, killed}), URL: url, Poll: inference.LongestPoll}
	worker, err := inference.New(settings, queue, &inference.Model{
		Client: &http.Client{Transport: cutTransport{direct.Transport{Handler: model}, killed}}, Endpoint: "http://127.0.0.1:8000", Name: "qwen3-4b-fp8",
	}, slog.New(s))
	if err != nil {
		s.t.Fatal(err)
	}
	p := &pod{kill: kill, ended: make(chan struct{}), pages: worker.Pages()}
	var told atomic.Int64 // when first, in ns; the worker may end by itself meanwhile
	p.stop = func() {
		told.CompareAndSwap(0, time.Now().UnixNano())
		stop()
	}
	go model.LoadModel(ctx, func(string) {})
	go func() {
		worker.Run(ctx)
		p.took = time.Since(time.Unix(0, told.Load()))
		close(p.ended)
	}()
	s.pods = append(s.pods, p)
}

// end stops every pod that still runs.
func (s *scene) end() {
	for _, p := range s.pods {
		p.stop()
		<-p.ended
		p.kill(nil)
	}
}

// received is how often the queue has given a message out.
func (s *scene) received(t *testing.T) int {
	t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.receipts
}

// ServeHTTP passes requests on to the queue and counts what it gives out.
func (s *scene) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	recorder := httptest.NewRecorder()
	s.queue.ServeHTTP(recorder, r)
	s.mu.Lock()
	s.receipts += strings.Count(recorder.Body.String(), `"ReceiptHandle"`)
	s.mu.Unlock()
	maps.Copy(w.Header(), recorder.Header())
	w.WriteHeader(recorder.Code)
	_, _ = w.Write(recorder.Body.Bytes())
}
