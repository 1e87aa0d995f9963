package prompts

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
)

const (
	// MaxMessages keeps a slip of the finger affordable.
	MaxMessages = 1_000_000
	batchSize   = 10 // the most that SQS takes at once
	callTimeout = 30 * time.Second
)

// Generator sends prompts.
type Generator struct {
	Client *sqs.Client
	URL    string        // of the queue
	Count  int           // of messages
	Delay  time.Duration // between two of them; without one they go in batches
	Out    io.Writer     // where progress is told
}

// Sum is how it went.
type Sum struct {
	Sent, Failed int
	Took         time.Duration
}

func (s Sum) String() string {
	return fmt.Sprintf("%d messages sent, %d failed, in %v", s.Sent, s.Failed, s.Took.Round(time.Millisecond))
}

// ErrUnfinished says that not every message was sent.
var ErrUnfinished = errors.New("not every message was sent")

// Run sends every message, or as many as it can until ctx ends. A message that fails is counted and the next one tried;
// the error then wraps [ErrUnfinished].
func (g *Generator) Run(ctx context.Context) (Sum, error) {
	if g.Count < 0 || g.Count > MaxMessages || g.Delay < 0 {
		return Sum{}, fmt.Errorf("%d messages with %v between them: give 0 to %d, and no less than no time", g.Count, g.Delay, MaxMessages)
	}
	from := time.Now()
	var sum Sum
	var last error
	for done := 0; done < g.Count && ctx.Err() == nil; {
		n := 1
		if g.Delay == 0 {
			n = min(batchSize, g.Count-done)
		}
		sent, err := g.send(ctx, n)
		done += n
		sum.Sent, sum.Failed = sum.Sent+sent, sum.Failed+n-sent
		if err != nil {
			last = err
			fmt.Fprintf(g.Out, "%d not sent: %v\n", n-sent, err)
		}
		g.tell(sum, done)
		if g.Delay > 0 && done < g.Count {
			wait(ctx, g.Delay)
		}
	}
	sum.Took = time.Since(from)
	fmt.Fprintln(g.Out, sum)
	if sum.Sent < g.Count {
		return sum, errors.Join(fmt.Errorf("%w: %d of %d", ErrUnfinished, sum.Sent, g.Count), ctx.Err(), last)
	}
	return sum, nil
}

// tell writes a line at every tenth message, and at the last.
func (g *Generator) tell(s Sum, done int) {
	if done%batchSize == 0 || done == g.Count {
		fmt.Fprintf(g.Out, "%d of %d messages sent\n", s.Sent, g.Count)
	}
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// send sends n messages at once and says how many were taken; the error is that of one which was not.
func (g *Generator) send(ctx context.Context, n int) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	entries := make([]types.SendMessageBatchRequestEntry, n)
	for i := range entries {
		_, body, err := write(time.Now())
		if err != nil {
			return 0, err
		}
		entries[i] = types.SendMessageBatchRequestEntry{
			Id: aws.String(strconv.Itoa(i)), MessageBody: &body,
			MessageAttributes: map[string]types.MessageAttributeValue{
				attributeName: {DataType: aws.String("String"), StringValue: aws.String(attributeValue)},
			},
		}
	}
	if n == 1 {
		one := entries[0]
		_, err := g.Client.SendMessage(ctx, &sqs.SendMessageInput{QueueUrl: &g.URL, MessageBody: one.MessageBody, MessageAttributes: one.MessageAttributes})
		if err != nil {
			return 0, fmt.Errorf("send to queue %s: %w", g.URL, err)
		}
		return 1, nil
	}
	out, err := g.Client.SendMessageBatch(ctx, &sqs.SendMessageBatchInput{QueueUrl: &g.URL, Entries: entries})
	if err != nil {
		return 0, fmt.Errorf("send to queue %s: %w", g.URL, err)
	}
	for _, f := range out.Failed {
		err = fmt.Errorf("queue %s refused a message: %s: %s", g.URL, aws.ToString(f.Code), aws.ToString(f.Message))
	}
	return len(out.Successful), err
}
