// Package awssqs counts the messages of an Amazon SQS queue.
package awssqs

import (
	"context"
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/internal/awsauth"
	"github.com/furl-dev/furl/triggers/internal/clients"
	"github.com/furl-dev/furl/triggers/internal/ending"
)

// Kind describes the trigger; triggers/all lists it. All sources of one Kind
// that are the same user of the same endpoint share a client and its credentials.
func Kind() trigger.Kind {
	return trigger.Define("aws-sqs-queue", "Counts the messages of an Amazon SQS queue: waiting, in flight and, where asked, delayed.", newOpener().open)
}

type config struct {
	Queue            queue  `cfg:""`
	QueueLength      int64  `cfg:"queueLength,default=5,role=target" doc:"messages for one replica"`
	ActivationLength int64  `cfg:"activationQueueLength,default=0,role=activation" doc:"messages above which the workload becomes active"`
	Region           string `cfg:"awsRegion,from=meta;auth" example:"eu-west-1" doc:"region of the queue"`
	Endpoint         string `cfg:"awsEndpoint,optional" doc:"URL to reach SQS at, instead of the region's own"`
	InFlight         bool   `cfg:"scaleOnInFlight,default=true" doc:"count messages that somebody received and has not deleted yet"`
	Delayed          bool   `cfg:"scaleOnDelayed,default=false" doc:"count messages that nobody may receive yet"`

	Auth     awsauth.Settings `cfg:""`
	Identity trigger.Identity
}

// queue is checked by itself, so that admission can check it without the authentication.
type queue struct {
	URL string `cfg:"queueURL,from=meta;env" example:"https://sqs.eu-west-1.amazonaws.com/111122223333/orders" doc:"URL of the queue; its bare name where that is unambiguous"`
}

// Validate finds a URL without a queue.
func (q queue) Validate() error {
	_, err := q.name()
	return err
}

// name is the last of the two parts of the URL's path, or all of what is no URL.
func (q queue) name() (string, error) {
	u, err := url.ParseRequestURI(q.URL)
	if err != nil {
		return q.URL, nil //nolint:nilerr // a bare name
	}
	parts := strings.Split(u.Path, "/")
	if len(parts) != 3 || parts[2] == "" {
		return "", fmt.Errorf("queueURL %q: want https://HOST/ACCOUNT/QUEUE or the queue's name", q.URL)
	}
	return parts[2], nil
}

// Validate finds an identity that lacks a half.
func (c config) Validate() error {
	if err := c.Queue.Validate(); err != nil {
		return err
	}
	_, err := c.Auth.Resolve(c.Identity)
	return err
}

// MetricName is KEDA's.
func (c config) MetricName() string {
	name, _ := c.Queue.name() // Validate has asked
	return "aws-sqs-" + name
}

// counted are the attributes whose sum is the value.
func (c config) counted() []types.QueueAttributeName {
	names := []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}
	if c.InFlight {
		names = append(names, types.QueueAttributeNameApproximateNumberOfMessagesNotVisible)
	}
	if c.Delayed {
		names = append(names, types.QueueAttributeNameApproximateNumberOfMessagesDelayed)
	}
	return names
}

// patience is what a read may take: the first of an account asks STS who it is before it asks SQS.
const patience = 10 * time.Second

// account is all that makes a client.
type account struct {
	who              awsauth.Identity
	region, endpoint string
}

type opener struct {
	clients *clients.Pool[account, client]
}

func newOpener() opener {
	return opener{&clients.Pool[account, client]{Done: func(c client) { awsauth.Done(c.base) }}}
}

// client is one of the SDK, and what it was made of.
type client struct {
	*sqs.Client
	base aws.Config
}

func (o opener) open(ctx context.Context, c config, env trigger.Env) (trigger.Source, error) {
	who, err := c.Auth.Resolve(c.Identity)
	if err != nil {
		return nil, err
	}
	client, release, err := o.clients.Use(account{who, c.Region, c.Endpoint}, func() (client, error) { return c.connect(ctx, who, env) })
	if err != nil {
		return nil, err
	}
	return ending.Wrap(&source{client: client.Client, release: release, who: who, queue: c.Queue.URL, region: c.Region, counted: c.counted(), now: env.Now}, patience), nil
}

func (c config) connect(ctx context.Context, who awsauth.Identity, env trigger.Env) (client, error) {
	base, err := awsauth.Config(ctx, who, c.Region, env.HTTP)
	if err != nil {
		return client{}, err
	}
	return client{base: base, Client: sqs.NewFromConfig(base, func(o *sqs.Options) {
		if c.Endpoint != "" {
			o.BaseEndpoint = &c.Endpoint
		}
	})}, nil
}
