package awssqs

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/awsauth"
)

// action is the only right that the trigger needs.
const action = "sqs:GetQueueAttributes"

type source struct {
	client        *sqs.Client
	release       func()
	who           awsauth.Identity
	queue, region string
	counted       []types.QueueAttributeName
	now           func() time.Time
}

// Read asks for the queue's attributes once.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	out, err := s.client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &s.queue, AttributeNames: s.counted})
	if err != nil {
		return trigger.Sample{}, fmt.Errorf("count messages of queue %s: %w", s.queue, s.explain(err))
	}
	n, err := sum(out.Attributes, s.counted)
	if err != nil {
		return trigger.Sample{}, fmt.Errorf("count messages of queue %s: %w", s.queue, err)
	}
	return trigger.Sample{At: s.now(), Value: float64(n)}, nil
}

// Close gives the client back; the last source of an account ends it.
func (s *source) Close() error {
	s.release()
	return nil
}

func (s *source) explain(err error) error {
	code := awsauth.Code(err)
	explained := awsauth.Explain(err, s.who, action+" on the queue")
	switch {
	case code == "QueueDoesNotExist", strings.HasSuffix(code, "NonExistentQueue"):
		return fmt.Errorf("there is no such queue in region %s, look at queueURL and awsRegion: %w", s.region, explained)
	case code == "InvalidAddress":
		return fmt.Errorf("queueURL is no address of a queue in region %s: %w", s.region, explained)
	}
	return explained
}

// sum adds attributes; one that is missing or no number is an error, for no data is not zero.
func sum(attributes map[string]string, names []types.QueueAttributeName) (int64, error) {
	var total int64
	for _, name := range names {
		text, there := attributes[string(name)]
		if !there {
			return 0, fmt.Errorf("the answer has no %s", name)
		}
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return 0, fmt.Errorf("the answer's %s is %q: want a number", name, text)
		}
		total += n
	}
	return total, nil
}
