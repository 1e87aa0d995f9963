// Package sqs is a queue service that speaks Amazon SQS's protocol and counts its messages right, on this machine alone.
//
// It is for trying and testing what scales on a queue: standard queues, held in memory, whose visible, delayed and
// invisible messages are counted exactly. Signatures are not checked, and a queue is known by the last part of its
// URL, so that a manifest written for AWS means the queue of the same name here.
package sqs

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Account owns every queue; AWS's own emulators and documentation use it too.
const Account = "000000000000"

// Region is where queues are unless a Config says otherwise; the walkthrough's cluster is there.
const Region = "us-west-2"

const (
	// defaultBytes bounds bodies and attributes of all messages together: half a million prompts of the walkthrough.
	defaultBytes = 256 << 20
	maxQueues    = 1000
)

// Config says how the service behaves. The zero value is useful.
type Config struct {
	Region   string           // part of ARNs; us-west-2 when empty
	MaxBytes int              // of all messages together; 256 MiB when zero
	Now      func() time.Time // time.Now when nil
}

// Server is a queue service. It is an http.Handler and starts nothing of its own: what is due is settled by whoever asks
// next. Make it with [New].
type Server struct {
	region   string
	maxBytes int
	now      func() time.Time
	known    map[string]operation

	mu     sync.Mutex // guards all below, and every queue
	queues map[string]*queue
	bytes  int // that messages hold
}

// New gives a service without queues.
func New(c Config) *Server {
	s := &Server{region: c.Region, maxBytes: c.MaxBytes, now: c.Now, queues: map[string]*queue{}}
	if s.region == "" {
		s.region = Region
	}
	if s.maxBytes == 0 {
		s.maxBytes = defaultBytes
	}
	if s.now == nil {
		s.now = time.Now
	}
	s.known = s.operations()
	return s
}

// call is what an operation knows of its request.
type call struct {
	ctx  context.Context //nolint:containedctx // of the request, which ends with it
	host string          // that the caller asked, which its queue URLs then name
}

// operation answers the JSON of a request with what becomes the JSON of the response.
type operation func(c call, body []byte) (any, error)

func (s *Server) operations() map[string]operation {
	return map[string]operation{
		"CreateQueue":                  decoded(s.createQueue),
		"GetQueueUrl":                  decoded(s.getQueueURL),
		"ListQueues":                   decoded(s.listQueues),
		"DeleteQueue":                  decoded(s.deleteQueue),
		"PurgeQueue":                   decoded(s.purgeQueue),
		"GetQueueAttributes":           decoded(s.getQueueAttributes),
		"SetQueueAttributes":           decoded(s.setQueueAttributes),
		"SendMessage":                  decoded(s.sendMessage),
		"SendMessageBatch":             decoded(s.sendMessageBatch),
		"ReceiveMessage":               decoded(s.receiveMessage),
		"DeleteMessage":                decoded(s.deleteMessage),
		"DeleteMessageBatch":           decoded(s.deleteMessageBatch),
		"ChangeMessageVisibility":      decoded(s.changeVisibility),
		"ChangeMessageVisibilityBatch": decoded(s.changeVisibilityBatch),
	}
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "this is the lab's queue service: it answers POST, as AWS SDKs and the AWS CLI send it", http.StatusMethodNotAllowed)
		return
	}
	out, err := s.answer(r)
	if err != nil {
		writeFault(w, err)
		return
	}
	write(w, http.StatusOK, out)
}
