package inference

import (
	"context"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

// Message is one reception of a message.
type Message struct {
	ID       string
	Receipt  string
	Body     string
	Received int // times, this one included

	attributes map[string]types.MessageAttributeValue
	until      time.Time // when the worker stops thinking that it is its own
}

// Queue is where messages come from. Every method is safe for concurrent use and ends soon after its context does.
type Queue interface {
	// Receive waits for a message, some seconds at most, and hides it from others. It gives nil when none came.
	Receive(ctx context.Context, hide time.Duration) (*Message, error)
	// Hide keeps a message hidden for this long from now; zero gives it back.
	Hide(ctx context.Context, m Message, d time.Duration) error
	// Delete takes a message away for good.
	Delete(ctx context.Context, m Message) error
	// Bury moves a message to the dead letters.
	Bury(ctx context.Context, m Message) error
}

var (
	// ErrNotHeld says that a message is no longer the worker's: it was hidden for too short a time, or is gone.
	ErrNotHeld = errors.New("the message is not held any more")
	// ErrDenied says that the worker may not do what it tried.
	ErrDenied = errors.New("not allowed")
)
