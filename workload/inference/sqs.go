package inference

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/smithy-go"
)

const (
	// LongestPoll is how long SQS lets a reception wait at most.
	LongestPoll = 20 * time.Second
	callTimeout = 10 * time.Second // of a call, its retries included, beyond what it waits for
)

// SQS is a queue of Amazon SQS, or of what speaks its protocol.
type SQS struct {
	Client     *sqs.Client
	URL        string
	Poll       time.Duration // how long a reception waits, LongestPoll at most
	DeadLetter string        // URL of the queue for what could not be answered; empty for none
}

// Receive implements [Queue].
func (q *SQS) Receive(ctx context.Context, hide time.Duration) (*Message, error) {
	ctx, cancel := context.WithTimeout(ctx, q.Poll+callTimeout)
	defer cancel()
	out, err := q.Client.ReceiveMessage(ctx, &sqs.ReceiveMessageInput{
		QueueUrl: &q.URL, MaxNumberOfMessages: 1, WaitTimeSeconds: wholeSeconds(q.Poll), VisibilityTimeout: wholeSeconds(hide),
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameApproximateReceiveCount},
		MessageAttributeNames:       []string{"All"},
	})
	if err != nil {
		return nil, q.tell("receive a message", err)
	}
	if len(out.Messages) == 0 {
		return nil, nil //nolint:nilnil // an empty queue is no mistake
	}
	m := out.Messages[0]
	received, err := strconv.Atoi(m.Attributes[string(types.MessageSystemAttributeNameApproximateReceiveCount)])
	if err != nil {
		received = 1 // a service that does not count has not been seen, and the limit is no reason to fail
	}
	return &Message{
		ID: aws.ToString(m.MessageId), Receipt: aws.ToString(m.ReceiptHandle), Body: aws.ToString(m.Body),
		Received: received, attributes: m.MessageAttributes,
	}, nil
}

// Hide implements [Queue].
func (q *SQS) Hide(ctx context.Context, m Message, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := q.Client.ChangeMessageVisibility(ctx, &sqs.ChangeMessageVisibilityInput{
		QueueUrl: &q.URL, ReceiptHandle: &m.Receipt, VisibilityTimeout: wholeSeconds(d),
	})
	return q.tell("change the visibility of message "+m.ID, err)
}

// Delete implements [Queue].
func (q *SQS) Delete(ctx context.Context, m Message) error {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := q.Client.DeleteMessage(ctx, &sqs.DeleteMessageInput{QueueUrl: &q.URL, ReceiptHandle: &m.Receipt})
	return q.tell("delete message "+m.ID, err)
}

// Bury implements [Queue]. The copy is made before the message is deleted: twice is better than never.
func (q *SQS) Bury(ctx context.Context, m Message) error {
	if q.DeadLetter == "" {
		return fmt.Errorf("bury message %s: no queue for dead letters is known", m.ID)
	}
	send, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	_, err := q.Client.SendMessage(send, &sqs.SendMessageInput{QueueUrl: &q.DeadLetter, MessageBody: &m.Body, MessageAttributes: m.attributes})
	if err != nil {
		return q.tell("copy message "+m.ID+" to the dead letters", err)
	}
	return q.Delete(ctx, m)
}

// Redrives says whether the queue itself moves what was received too often to another queue.
func (q *SQS) Redrives(ctx context.Context) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	out, err := q.Client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
		QueueUrl: &q.URL, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameRedrivePolicy},
	})
	if err != nil {
		return false, q.tell("read the redrive policy", err)
	}
	text := out.Attributes[string(types.QueueAttributeNameRedrivePolicy)]
	if text == "" {
		return false, nil
	}
	if !json.Valid([]byte(text)) {
		return false, fmt.Errorf("redrive policy of queue %s is no JSON: %q", q.URL, text)
	}
	return true, nil
}

// tell names the act and the queue, and says what the error means for the message.
func (q *SQS) tell(act string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s of queue %s: %w", act, q.URL, errors.Join(meaning(err), err))
}

// meaning is ErrDenied, ErrNotHeld, or nil for what may go away by itself.
func meaning(err error) error {
	var api smithy.APIError
	if !errors.As(err, &api) {
		return nil
	}
	code := api.ErrorCode()
	switch {
	case strings.Contains(code, "AccessDenied"), strings.Contains(code, "NotAuthorized"), strings.Contains(code, "InvalidSecurity"):
		return ErrDenied
	case strings.Contains(code, "MessageNotInflight"), strings.Contains(code, "ReceiptHandleIsInvalid"), strings.Contains(code, "InvalidParameterValue"):
		return ErrNotHeld
	}
	return nil
}

func wholeSeconds(d time.Duration) int32 {
	return int32((d + time.Second - 1) / time.Second) //nolint:gosec // settings are checked to be below 12 hours
}
