package sqs_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/furl-dev/furl/lab/direct"
	"github.com/furl-dev/furl/lab/sqs"
	"github.com/google/go-cmp/cmp"
)

// service is the real SDK on a server of ours, in virtual time.
type service struct {
	*awssqs.Client
	t *testing.T
}

func start(t *testing.T, server *sqs.Server) service {
	t.Helper()
	return service{awssqs.New(awssqs.Options{
		Region: "us-west-2", BaseEndpoint: aws.String("http://127.0.0.1:4100"),
		HTTPClient:  direct.Client(server),
		Credentials: credentials.NewStaticCredentialsProvider("lab", "lab", ""),
		Retryer:     aws.NopRetryer{},
	}), t}
}

func (s service) create(name string, attributes map[string]string) *string {
	s.t.Helper()
	out, err := s.CreateQueue(s.t.Context(), &awssqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.QueueUrl
}

func (s service) send(url *string, body string, delay int32) {
	s.t.Helper()
	if _, err := s.SendMessage(s.t.Context(), &awssqs.SendMessageInput{QueueUrl: url, MessageBody: &body, DelaySeconds: delay}); err != nil {
		s.t.Fatal(err)
	}
}

func (s service) receive(ctx context.Context, url *string, most, hide, wait int32) []types.Message {
	s.t.Helper()
	out, err := s.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{
		QueueUrl: url, MaxNumberOfMessages: most, VisibilityTimeout: hide, WaitTimeSeconds: wait,
		MessageSystemAttributeNames: []types.MessageSystemAttributeName{types.MessageSystemAttributeNameAll}, MessageAttributeNames: []string{"All"},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return out.Messages
}

// counts are visible, in flight, delayed.
func (s service) counts(url *string) string {
	s.t.Helper()
	out, err := s.GetQueueAttributes(s.t.Context(), &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameApproximateNumberOfMessages, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible,
		types.QueueAttributeNameApproximateNumberOfMessagesDelayed,
	}})
	if err != nil {
		s.t.Fatal(err)
	}
	a := out.Attributes
	return a["ApproximateNumberOfMessages"] + " " + a["ApproximateNumberOfMessagesNotVisible"] + " " + a["ApproximateNumberOfMessagesDelayed"]
}

func (s service) want(url *string, counts, when string) {
	s.t.Helper()
	if got := s.counts(url); got != counts {
		s.t.Errorf("%s: visible, in flight, delayed are %s, want %s", when, got, counts)
	}
}

func TestServer_counts_visible_in_flight_and_delayed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sqs.New(sqs.Config{}))
		url := s.create("orders", nil)
		for i := range 5 {
			s.send(url, fmt.Sprint("now ", i), 0)
		}
		s.send(url, "later", 60)
		s.want(url, "5 0 1", "sent")
		got := s.receive(t.Context(), url, 2, 10, 0)
		s.want(url, "3 2 1", "two received")
		if _, err := s.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
			t.Fatal(err)
		}
		s.want(url, "3 1 1", "one deleted")
		time.Sleep(10 * time.Second)
		s.want(url, "4 0 1", "the other one's time is up")
		time.Sleep(50 * time.Second)
		s.want(url, "5 0 0", "the delay has passed")
		if _, err := s.PurgeQueue(t.Context(), &awssqs.PurgeQueueInput{QueueUrl: url}); err != nil {
			t.Fatal(err)
		}
		s.want(url, "0 0 0", "purged")
	})
}

func TestServer_answers_a_long_poll_as_soon_as_there_is_a_message(t *testing.T) {
	for _, test := range []struct {
		why   string
		after time.Duration // of which the answer comes
		do    func(s service, url *string)
	}{
		{"nothing comes", 20 * time.Second, func(service, *string) {}},
		{"a message comes", 3 * time.Second, func(s service, url *string) {
			time.Sleep(3 * time.Second)
			s.send(url, "x", 0)
		}},
		{"a delayed message becomes visible", 5 * time.Second, func(s service, url *string) {
			time.Sleep(time.Second)
			s.send(url, "x", 4)
		}},
		{"another gives its message back", 7 * time.Second, func(s service, url *string) {
			s.send(url, "x", 0)
			got := s.receive(s.t.Context(), url, 1, 30, 0)
			if len(got) == 0 { // the long poll was first
				s.t.Fatal("not received")
			}
			time.Sleep(7 * time.Second)
			if _, err := s.ChangeMessageVisibility(s.t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: got[0].ReceiptHandle}); err != nil {
				s.t.Fatal(err)
			}
		}},
	} {
		t.Run(test.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := start(t, sqs.New(sqs.Config{}))
				url := s.create("orders", nil)
				begin, took := time.Now(), make(chan time.Duration, 1)
				other := make(chan struct{})
				go func() {
					defer close(other)
					test.do(s, url)
				}()
				if test.after == 7*time.Second {
					synctest.Wait()
				}
				go func() {
					s.receive(t.Context(), url, 1, 30, 20)
					took <- time.Since(begin)
				}()
				if got := <-took; got != test.after {
					t.Errorf("answered after %v, want %v", got, test.after)
				}
				<-other
			})
		})
	}
}

func TestServer_takes_nothing_for_who_has_left(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sqs.New(sqs.Config{}))
		url := s.create("orders", nil)
		ctx, leave := context.WithCancel(t.Context())
		left := make(chan error, 1)
		go func() {
			_, err := s.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: url, WaitTimeSeconds: 20})
			left <- err
		}()
		synctest.Wait()
		leave()
		if err := <-left; !errors.Is(err, context.Canceled) {
			t.Errorf("got %v", err)
		}
		s.send(url, "x", 0)
		s.want(url, "1 0 0", "sent after the poll was cut off")
	})
}

func TestServer_lets_only_the_latest_receipt_delete_and_hide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sqs.New(sqs.Config{}))
		url := s.create("orders", map[string]string{"VisibilityTimeout": "5"})
		s.send(url, "x", 0)
		old := s.receive(t.Context(), url, 1, 0, 0)[0].ReceiptHandle // 0 is not sent by the SDK: the queue's own 5 s
		time.Sleep(5 * time.Second)
		hide := func(handle *string, d int32) error {
			_, err := s.ChangeMessageVisibility(t.Context(), &awssqs.ChangeMessageVisibilityInput{QueueUrl: url, ReceiptHandle: handle, VisibilityTimeout: d})
			return err
		}
		var idle *types.MessageNotInflight
		if err := hide(old, 10); !errors.As(err, &idle) {
			t.Errorf("hiding a visible message: %v", err)
		}
		again := s.receive(t.Context(), url, 1, 5, 0)[0]
		if again.Attributes["ApproximateReceiveCount"] != "2" || aws.ToString(again.ReceiptHandle) == *old {
			t.Errorf("received again as %+v", again)
		}
		if err := hide(old, 10); err == nil || !strings.Contains(err.Error(), "not available for visibility timeout change") {
			t.Errorf("hiding by an old receipt: %v", err)
		}
		if _, err := s.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: old}); err != nil {
			t.Error(err)
		}
		s.want(url, "0 1 0", "deleted by an old receipt")
		if err := hide(again.ReceiptHandle, 60); err != nil {
			t.Fatal(err)
		}
		time.Sleep(59 * time.Second)
		s.want(url, "0 1 0", "hidden for longer")
		for range 2 {
			if _, err := s.DeleteMessage(t.Context(), &awssqs.DeleteMessageInput{QueueUrl: url, ReceiptHandle: again.ReceiptHandle}); err != nil {
				t.Errorf("deleting: %v", err)
			}
		}
		s.want(url, "0 0 0", "deleted")
		if err := hide(aws.String("garbage"), 1); !errors.As(err, new(*types.ReceiptHandleIsInvalid)) {
			t.Errorf("garbage as a receipt: %v", err)
		}
	})
}

func TestServer_moves_what_was_received_too_often_to_the_dead_letters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sqs.New(sqs.Config{}))
		dead := s.create("dead", nil)
		url := s.create("orders", map[string]string{
			"VisibilityTimeout": "1", "RedrivePolicy": `{"deadLetterTargetArn":"arn:aws:sqs:us-west-2:000000000000:dead","maxReceiveCount":"2"}`,
		})
		s.send(url, "poison", 0)
		for range 2 {
			if got := s.receive(t.Context(), url, 1, 1, 0); len(got) != 1 {
				t.Fatalf("received %v", got)
			}
			time.Sleep(time.Second)
		}
		if got := s.receive(t.Context(), url, 1, 1, 0); len(got) != 0 {
			t.Errorf("received a third time: %v", got)
		}
		s.want(url, "0 0 0", "given up")
		got := s.receive(t.Context(), dead, 1, 1, 0)
		if len(got) != 1 || *got[0].Body != "poison" || got[0].Attributes["DeadLetterQueueSourceArn"] != "arn:aws:sqs:us-west-2:000000000000:orders" {
			t.Errorf("dead letters %+v", got)
		}
	})
}

func TestServer_forgets_what_was_kept_too_long(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := start(t, sqs.New(sqs.Config{}))
		url := s.create("orders", map[string]string{"MessageRetentionPeriod": "60"})
		s.send(url, "old", 0)
		time.Sleep(30 * time.Second)
		s.send(url, "young", 0)
		s.receive(t.Context(), url, 1, 600, 0)
		s.want(url, "1 1 0", "both are there")
		time.Sleep(30 * time.Second)
		s.want(url, "1 0 0", "the old one has expired, though hidden")
	})
}

func TestServer_carries_out_the_entries_of_a_batch_one_by_one(t *testing.T) {
	s := start(t, sqs.New(sqs.Config{}))
	url := s.create("orders", map[string]string{"MaximumMessageSize": "1024"})
	sent, err := s.SendMessageBatch(t.Context(), &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{
		{Id: aws.String("good"), MessageBody: aws.String("x"), MessageAttributes: map[string]types.MessageAttributeValue{
			"prompt_type": {DataType: aws.String("String"), StringValue: aws.String("text_generation")},
			"raw":         {DataType: aws.String("Binary"), BinaryValue: []byte{0, 1}},
		}},
		{Id: aws.String("bad"), MessageBody: aws.String("\x01")},
	}})
	if err != nil {
		t.Fatal(err)
	}
	if len(sent.Successful) != 1 || len(sent.Failed) != 1 || *sent.Failed[0].Id != "bad" || *sent.Failed[0].Code != "InvalidMessageContents" {
		t.Errorf("sent %+v", sent)
	}
	got := s.receive(t.Context(), url, 10, 30, 0)
	// The digest of both attributes was computed with the AWS documentation's algorithm, in Python.
	if len(got) != 1 || *got[0].MessageAttributes["prompt_type"].StringValue != "text_generation" || *got[0].MD5OfMessageAttributes != "c34ac0bd395a38e848e2803be75be527" {
		t.Fatalf("received %+v", got)
	}
	held, err := s.ChangeMessageVisibilityBatch(t.Context(), &awssqs.ChangeMessageVisibilityBatchInput{QueueUrl: url, Entries: []types.ChangeMessageVisibilityBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("b"), ReceiptHandle: aws.String("x")},
	}})
	if err != nil || len(held.Successful) != 1 || len(held.Failed) != 1 {
		t.Errorf("hidden %+v, %v", held, err)
	}
	s.want(url, "1 0 0", "given back by a batch")
	gone, err := s.DeleteMessageBatch(t.Context(), &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{
		{Id: aws.String("a"), ReceiptHandle: got[0].ReceiptHandle}, {Id: aws.String("b"), ReceiptHandle: aws.String("x")},
	}})
	if err != nil || len(gone.Successful) != 1 || *gone.Failed[0].Code != "ReceiptHandleIsInvalid" {
		t.Errorf("deleted %+v, %v", gone, err)
	}
	s.want(url, "0 0 0", "deleted by a batch")
}

func TestServer_gives_errors_of_their_type(t *testing.T) {
	s := start(t, sqs.New(sqs.Config{MaxBytes: 2000}))
	url := s.create("orders", map[string]string{"VisibilityTimeout": "5"})
	body := func(n int) *string { return aws.String(strings.Repeat("x", n)) }
	for _, test := range []struct {
		why  string
		do   func(context.Context) error
		want any
	}{
		{"no such queue", func(ctx context.Context) error {
			_, err := s.GetQueueUrl(ctx, &awssqs.GetQueueUrlInput{QueueName: aws.String("nobody")})
			return err
		}, new(*types.QueueDoesNotExist)},
		{"no such queue by URL", func(ctx context.Context) error {
			_, err := s.ReceiveMessage(ctx, &awssqs.ReceiveMessageInput{QueueUrl: aws.String("https://sqs.us-west-2.amazonaws.com/1/nobody")})
			return err
		}, new(*types.QueueDoesNotExist)},
		{"another queue of the name", func(ctx context.Context) error {
			_, err := s.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: aws.String("orders"), Attributes: map[string]string{"VisibilityTimeout": "6"}})
			return err
		}, new(*types.QueueNameExists)},
		{"unknown attribute", func(ctx context.Context) error {
			_, err := s.GetQueueAttributes(ctx, &awssqs.GetQueueAttributesInput{QueueUrl: url, AttributeNames: []types.QueueAttributeName{"What"}})
			return err
		}, new(*types.InvalidAttributeName)},
		{"attribute out of range", func(ctx context.Context) error {
			_, err := s.SetQueueAttributes(ctx, &awssqs.SetQueueAttributesInput{QueueUrl: url, Attributes: map[string]string{"VisibilityTimeout": "43201"}})
			return err
		}, new(*types.InvalidAttributeValue)},
		{"no entries", func(ctx context.Context) error {
			_, err := s.SendMessageBatch(ctx, &awssqs.SendMessageBatchInput{QueueUrl: url, Entries: []types.SendMessageBatchRequestEntry{}})
			return err
		}, new(*types.EmptyBatchRequest)},
		{"equal ids", func(ctx context.Context) error {
			one := types.DeleteMessageBatchRequestEntry{Id: aws.String("a"), ReceiptHandle: aws.String("x")}
			_, err := s.DeleteMessageBatch(ctx, &awssqs.DeleteMessageBatchInput{QueueUrl: url, Entries: []types.DeleteMessageBatchRequestEntry{one, one}})
			return err
		}, new(*types.BatchEntryIdsNotDistinct)},
		{"no more room", func(ctx context.Context) error {
			_, err := s.SendMessage(ctx, &awssqs.SendMessageInput{QueueUrl: url, MessageBody: body(2001)})
			return err
		}, new(*types.OverLimit)},
		{"a queue with order", func(ctx context.Context) error {
			_, err := s.CreateQueue(ctx, &awssqs.CreateQueueInput{QueueName: aws.String("x.fifo")})
			return err
		}, new(*types.UnsupportedOperation)},
	} {
		if err := test.do(t.Context()); !errors.As(err, test.want) {
			t.Errorf("%s: got %v, want %T", test.why, err, test.want)
		}
	}
}

func TestServer_knows_a_queue_by_the_last_part_of_its_URL(t *testing.T) {
	s := start(t, sqs.New(sqs.Config{}))
	url := s.create("furl-keda", map[string]string{"DelaySeconds": "0"})
	if *url != "http://127.0.0.1:4100/000000000000/furl-keda" {
		t.Errorf("created %s", *url)
	}
	s.send(url, "x", 0)
	s.want(aws.String("https://sqs.us-west-2.amazonaws.com/123456789012/furl-keda"), "1 0 0", "by its URL in AWS")
	s.create("other", nil)
	all, err := s.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1)})
	if err != nil {
		t.Fatal(err)
	}
	rest, err := s.ListQueues(t.Context(), &awssqs.ListQueuesInput{MaxResults: aws.Int32(1), NextToken: all.NextToken})
	if err != nil {
		t.Fatal(err)
	}
	want := []string{"http://127.0.0.1:4100/000000000000/furl-keda", "http://127.0.0.1:4100/000000000000/other"}
	if diff := cmp.Diff(want, append(all.QueueUrls, rest.QueueUrls...)); diff != "" {
		t.Errorf("listed: -want +got\n%s", diff)
	}
	if _, err := s.DeleteQueue(t.Context(), &awssqs.DeleteQueueInput{QueueUrl: url}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.GetQueueUrl(t.Context(), &awssqs.GetQueueUrlInput{QueueName: aws.String("furl-keda")}); !errors.As(err, new(*types.QueueDoesNotExist)) {
		t.Errorf("deleted: %v", err)
	}
}
