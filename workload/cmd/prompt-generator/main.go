// Command prompt-generator sends prompts to an SQS queue; it stands for the image ghcr.io/furl-dev/prompt-generator.
//
//	SQS_QUEUE_URL=https://sqs.us-west-2.amazonaws.com/111122223333/prompts NUM_MESSAGES=50 DELAY_SECONDS=0.5 prompt-generator
//
// Its exit status is 0 when every message was sent, 1 when one was not, 2 for a mistake.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"net/url"
	"os"
	"os/signal"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/furl-dev/furl/workload/prompts"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	status := run(ctx, os.Args[1:], os.Getenv, os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// options are what the command line and the environment say.
type options struct {
	queue, region string
	count         int
	delay         time.Duration
}

func run(ctx context.Context, args []string, getenv func(string) string, out, errs io.Writer) int {
	o, err := configure(args, getenv, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(errs, "prompt-generator:", err)
		return 2
	}
	client, err := open(ctx, o)
	if err != nil {
		fmt.Fprintln(errs, "prompt-generator:", err)
		return 2
	}
	fmt.Fprintf(out, "sending %d messages to %s, %v apart\n", o.count, o.queue, o.delay)
	g := prompts.Generator{Client: client, URL: o.queue, Count: o.count, Delay: o.delay, Out: out}
	if _, err := g.Run(ctx); err != nil {
		fmt.Fprintln(errs, "prompt-generator:", err)
		return 1
	}
	return 0
}

// configure reads flags over environment over defaults.
func configure(args []string, getenv func(string) string, errs io.Writer) (options, error) {
	var o options
	count, seconds := 50, 0.5
	var err error
	if text := getenv("NUM_MESSAGES"); text != "" {
		if count, err = strconv.Atoi(text); err != nil {
			return o, fmt.Errorf("environment NUM_MESSAGES=%q: give a whole number", text)
		}
	}
	if text := getenv("DELAY_SECONDS"); text != "" {
		if seconds, err = strconv.ParseFloat(text, 64); err != nil {
			return o, fmt.Errorf("environment DELAY_SECONDS=%q: give seconds, such as 0.5", text)
		}
	}
	flags := flag.NewFlagSet("prompt-generator", flag.ContinueOnError)
	flags.SetOutput(errs)
	flags.StringVar(&o.queue, "queue-url", getenv("SQS_QUEUE_URL"), "`URL` of the queue [SQS_QUEUE_URL]; required")
	flags.StringVar(&o.region, "region", getenv("AWS_REGION"), "AWS `region` [AWS_REGION] (default: as the SDK finds it, else that of the queue's URL)")
	flags.IntVar(&o.count, "messages", count, "how many messages to send [NUM_MESSAGES]")
	flags.Float64Var(&seconds, "delay", seconds, "`seconds` between two messages [DELAY_SECONDS]; with 0 they go in batches of 10")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	}
	return o, o.check(seconds)
}

func (o *options) check(seconds float64) error {
	const day = 24 * 60 * 60
	u, err := url.Parse(o.queue)
	switch {
	case err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http"):
		return fmt.Errorf("the queue is %q: give its URL by SQS_QUEUE_URL or --queue-url", o.queue)
	case o.count < 0 || o.count > prompts.MaxMessages:
		return fmt.Errorf("%d messages: give 0 to %d", o.count, prompts.MaxMessages)
	case math.IsNaN(seconds) || seconds < 0 || seconds > day:
		return fmt.Errorf("a delay of %v seconds: give 0 to %d", seconds, day)
	}
	o.delay = time.Duration(seconds * float64(time.Second))
	if m := regexp.MustCompile(`^sqs\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?$`).FindStringSubmatch(u.Hostname()); m != nil && o.region == "" {
		o.region = m[1]
	}
	return nil
}

// startTimeout bounds finding credentials, which may ask the machine's metadata service.
const startTimeout = 30 * time.Second

// open makes the client of the queue, as the SDK's default chain says.
func open(ctx context.Context, o options) (*sqs.Client, error) {
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
	return sqs.NewFromConfig(loaded), nil
}
