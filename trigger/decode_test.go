package trigger_test

import (
	"context"
	"errors"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
)

type queue struct {
	URL        string  `cfg:"queueURL,from=meta;env" doc:"URL of the queue"`
	Length     float64 `cfg:"queueLength,default=5,role=target" doc:"messages one replica should have"`
	Activation float64 `cfg:"activationQueueLength,default=0,role=activation" doc:"messages above which there is work"`
	Region     string  `cfg:"awsRegion,from=meta;auth" doc:"region"`
	Owner      string  `cfg:"identityOwner,enum=pod;operator,default=pod" doc:"whose identity"`
	Password   string  `cfg:"password,from=auth;env,optional" doc:"password"`
}

func (q queue) MetricName() string { return "aws-sqs-" + q.URL }

func (q queue) Validate() error {
	if q.Password == "wrong-one" {
		return errors.New("password wrong-one is wrong")
	}
	return nil
}

func kind() trigger.Kind {
	return trigger.Define("aws-sqs-queue", "Scales on the length of a queue.",
		func(context.Context, queue, trigger.Env) (trigger.Source, error) { return nil, nil })
}

func TestDecode_gives_what_was_meant(t *testing.T) {
	c, err := kind().Decode(trigger.Input{
		Metadata: map[string]string{"queueURLFromEnv": "Q", "awsRegion": " eu-west-1 ", "queueLength": "3.5"},
		Env:      map[string]string{"Q": "a/b"},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := queue{URL: "a/b", Length: 3.5, Region: "eu-west-1", Owner: "pod"}
	if diff := cmp.Diff(want, c.Value()); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]trigger.Metric{{Name: "aws-sqs-a-b", Target: 3.5}}, c.Metrics); diff != "" {
		t.Error(diff)
	}
}
