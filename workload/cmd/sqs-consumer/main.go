// Command sqs-consumer answers the prompts of an SQS queue with the model that runs beside it; it stands for the image
// ghcr.io/furl-dev/sqs-consumer.
//
//	SQS_QUEUE_URL=https://sqs.us-west-2.amazonaws.com/111122223333/prompts VLLM_ENDPOINT=http://localhost:8000 sqs-consumer
//
// Credentials, region and endpoint are found as every AWS SDK finds them: IRSA or Pod Identity on EKS, AWS_REGION,
// AWS_ENDPOINT_URL. It needs sqs:ReceiveMessage, DeleteMessage, ChangeMessageVisibility and GetQueueAttributes.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/furl-dev/furl/workload/inference"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sqs-consumer:", err)
		os.Exit(1)
	}
}

// startTimeout bounds finding credentials, which may ask the machine's metadata service.
const startTimeout = 30 * time.Second

func run(ctx context.Context, args []string, getenv func(string) string, out, errs io.Writer) error {
	o, err := configure(args, getenv, errs)
	if err != nil {
		return err
	}
	log := slog.New(slog.NewJSONHandler(out, nil))
	queue, err := open(ctx, o)
	if err != nil {
		return err
	}
	settings, err := deadLetters(ctx, o, queue, log)
	if err != nil {
		return err
	}
	model := &inference.Model{Client: &http.Client{Transport: transport(settings.Slots)}, Endpoint: o.endpoint, Name: o.model}
	worker, err := inference.New(settings, queue, model, log)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", o.listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (choose another with --listen)", o.listen, err)
	}
	log.InfoContext(ctx, "started", "queue", o.queue, "model", o.model, "endpoint", o.endpoint, "slots", settings.Slots,
		"listens", listener.Addr().String(), "grace", settings.Grace.String())
	return serve(ctx, listener, worker, log)
}

// serve shows the worker's pages as long as it works, and a little longer.
func serve(ctx context.Context, listener net.Listener, worker *inference.Worker, log *slog.Logger) error {
	server := &http.Server{Handler: worker.Pages(), ReadHeaderTimeout: 10 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var pages sync.WaitGroup
	pages.Go(func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			cancel(fmt.Errorf("serve metrics: %w", err))
		}
	})
	worker.Run(ctx)
	const goodbye = 2 * time.Second // for who waits at /drained
	last, done := context.WithTimeout(context.WithoutCancel(ctx), goodbye)
	defer done()
	if err := server.Shutdown(last); err != nil {
		_ = server.Close()
	}
	pages.Wait()
	log.InfoContext(ctx, "ended")
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// open makes the client of the queue, as the SDK's default chain says.
func open(ctx context.Context, o options) (*inference.SQS, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	var region []func(*config.LoadOptions) error
	if o.region != "" {
		region = append(region, config.WithRegion(o.region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, region...)
	if err != nil {
		return nil, fmt.Errorf("load the AWS configuration: %w", err)
	}
	if loaded.Region == "" {
		return nil, fmt.Errorf("no AWS region is known, and the queue's URL %s names none: set AWS_REGION", o.queue)
	}
	return &inference.SQS{Client: sqs.NewFromConfig(loaded), URL: o.queue, Poll: o.poll, DeadLetter: o.deadLetter}, nil
}

// deadLetters settles who takes messages out of the way that cannot be answered: the queue, where it has a redrive
// policy, else this program, where it knows a queue for them.
func deadLetters(ctx context.Context, o options, queue *inference.SQS, log *slog.Logger) (inference.Settings, error) {
	s := o.settings
	redrives, err := queue.Redrives(ctx)
	switch {
	case ctx.Err() != nil:
		return s, ctx.Err()
	case err != nil: // it may be denied or not there yet; receiving will tell
		log.WarnContext(ctx, "redrive_policy_unknown", "reason", err.Error())
	}
	if redrives || o.deadLetter == "" {
		s.MaxReceives = 0
	}
	if !redrives && o.deadLetter == "" {
		log.WarnContext(ctx, "no_dead_letters", "consequence", "a message that cannot be answered comes back until the queue forgets it",
			"way_out", "give the queue a redrive policy, or set DEAD_LETTER_QUEUE_URL")
	}
	return s, nil
}

func transport(slots int) *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		MaxIdleConnsPerHost: slots,
		IdleConnTimeout:     30 * time.Second,
		TLSHandshakeTimeout: 5 * time.Second,
	}
}
