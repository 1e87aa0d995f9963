package sqs_test

import (
	"log/slog"
	"net/http/httptest"
	"strconv"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awssqs "github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/furl-dev/furl/lab/sqs"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
	trigsqs "github.com/furl-dev/furl/triggers/awssqs"
)

// TestTrigger_reads_what_the_queue_counts holds the trigger against a server that keeps messages, in all three states.
func TestTrigger_reads_what_the_queue_counts(t *testing.T) {
	triggertest.Evidence(t, "aws-sqs-queue", evidence.Emulator)
	server := sqs.New(sqs.Config{})
	s := start(t, server)
	url := s.create("orders", nil)
	for i := range 7 {
		in := awssqs.SendMessageInput{QueueUrl: url, MessageBody: aws.String(strconv.Itoa(i))}
		if i >= 5 {
			in.DelaySeconds = 600
		}
		if _, err := s.SendMessage(t.Context(), &in); err != nil {
			t.Fatal(err)
		}
	}
	held, err := s.ReceiveMessage(t.Context(), &awssqs.ReceiveMessageInput{QueueUrl: url, MaxNumberOfMessages: 2, VisibilityTimeout: 600})
	if err != nil || len(held.Messages) != 2 {
		t.Fatalf("received %d messages, %v; want 2", len(held.Messages), err)
	}
	listener := httptest.NewServer(server)
	defer listener.Close()
	for _, tc := range []struct {
		why, inFlight, delayed string
		want                   float64
	}{
		{"waiting and in flight, by default", "", "", 5},
		{"waiting alone", "false", "", 3},
		{"delayed ones too", "true", "true", 7},
	} {
		got, err := readQueue(t, listener, map[string]string{
			"queueURL": aws.ToString(url), "awsRegion": sqs.Region, "awsEndpoint": listener.URL,
			"scaleOnInFlight": tc.inFlight, "scaleOnDelayed": tc.delayed,
		})
		if err != nil || got.Value != tc.want {
			t.Errorf("%s: %v, %v; want %v", tc.why, got.Value, err, tc.want)
		}
	}
	_, err = readQueue(t, listener, map[string]string{"queueURL": listener.URL + "/000000000000/nowhere", "awsRegion": sqs.Region, "awsEndpoint": listener.URL})
	if err == nil {
		t.Error("a queue that does not exist: no error")
	}
}

func readQueue(t *testing.T, server *httptest.Server, metadata map[string]string) (trigger.Sample, error) {
	t.Helper()
	c, err := trigsqs.Kind().Decode(trigger.Input{
		Metadata: metadata, Auth: map[string]string{"awsAccessKeyID": "lab", "awsSecretAccessKey": "lab"}, Env: map[string]string{},
	})
	if err != nil {
		t.Fatal(err)
	}
	source, err := c.Open(t.Context(), trigger.Env{HTTP: server.Client(), Log: slog.New(slog.DiscardHandler), Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := source.Close(); err != nil {
			t.Error(err)
		}
	}()
	return source.Read(t.Context())
}
