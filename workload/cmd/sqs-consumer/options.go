package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/furl-dev/furl/workload/inference"
)

// options are what the command line and the environment say.
type options struct {
	queue, region, deadLetter string
	endpoint, model           string
	listen                    string
	poll                      time.Duration
	settings                  inference.Settings
}

// variables gives the environment variable of each flag; flags win.
func variables() map[string]string {
	return map[string]string{
		"queue-url":             "SQS_QUEUE_URL",
		"region":                "AWS_REGION",
		"dead-letter-queue-url": "DEAD_LETTER_QUEUE_URL",
		"endpoint":              "VLLM_ENDPOINT",
		"model":                 "MODEL_NAME",
		"concurrency":           "CONCURRENCY",
		"poll":                  "POLL",
		"visibility-timeout":    "VISIBILITY_TIMEOUT",
		"prompt-timeout":        "PROMPT_TIMEOUT",
		"grace":                 "GRACE",
		"retry-delay":           "RETRY_DELAY",
		"max-receives":          "MAX_RECEIVES",
		"log-answers":           "LOG_ANSWERS",
		"listen":                "LISTEN",
	}
}

func configure(args []string, getenv func(string) string, errs io.Writer) (options, error) {
	o := options{settings: inference.Defaults(), listen: ":9090"}
	if address := getenv("LAB_LISTEN"); address != "" { // where the lab wants its pods to listen
		o.listen = address
	}
	flags := o.flags(errs)
	if err := fromEnvironment(flags, getenv); err != nil {
		return o, err
	}
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	if flags.NArg() > 0 {
		return o, fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	}
	if o.region == "" {
		o.region = regionOf(o.queue)
	}
	return o, errors.Join(o.check(), o.settings.Check())
}

func (o *options) flags(errs io.Writer) *flag.FlagSet {
	f := flag.NewFlagSet("sqs-consumer", flag.ContinueOnError)
	f.SetOutput(errs)
	s := &o.settings
	f.StringVar(&o.queue, "queue-url", "", "`URL` of the queue; required")
	f.StringVar(&o.region, "region", "", "AWS `region` (default: as the SDK finds it, else that of the queue's URL)")
	f.StringVar(&o.deadLetter, "dead-letter-queue-url", "", "`URL` of the queue for messages that cannot be answered, where the queue has no redrive policy of its own")
	f.StringVar(&o.endpoint, "endpoint", "http://localhost:8000", "base `URL` of the model's server, with OpenAI's chat completions")
	f.StringVar(&o.model, "model", "qwen3-4b-fp8", "`name` of the model, as its server knows it")
	f.IntVar(&s.Slots, "concurrency", s.Slots, "messages worked on at the same time")
	f.DurationVar(&o.poll, "poll", inference.LongestPoll, "how long a reception waits for a message")
	f.DurationVar(&s.Visibility, "visibility-timeout", s.Visibility, "how long a message is hidden from others at a time; renewed while a prompt runs")
	f.DurationVar(&s.PromptTimeout, "prompt-timeout", s.PromptTimeout, "how long one answer may take")
	f.DurationVar(&s.Grace, "grace", s.Grace, "how long prompts may go on after SIGTERM; some seconds below the pod's terminationGracePeriodSeconds")
	f.DurationVar(&s.RetryDelay, "retry-delay", s.RetryDelay, "how long a message waits that was not answered, times how often it was received")
	f.IntVar(&s.MaxReceives, "max-receives", s.MaxReceives, "receptions beyond which a message goes to --dead-letter-queue-url")
	f.BoolVar(&s.LogAnswers, "log-answers", s.LogAnswers, "write answers into the log; switch it off where they are private")
	f.StringVar(&o.listen, "listen", o.listen, "`host:port` of /metrics, /healthz, /readyz and /drained")
	f.Usage = func() {
		fmt.Fprintln(errs, "sqs-consumer answers the prompts of an SQS queue with the model that runs beside it.")
		fmt.Fprintln(errs, "Each flag may be given by the environment variable in brackets:")
		f.VisitAll(func(one *flag.Flag) {
			kind, usage := flag.UnquoteUsage(one)
			fmt.Fprintf(errs, "  --%s %s [%s]\n\t%s", one.Name, kind, variables()[one.Name], usage)
			if one.DefValue != "" {
				fmt.Fprintf(errs, " (default %s)", one.DefValue)
			}
			fmt.Fprintln(errs)
		})
	}
	return f
}

// fromEnvironment sets flags from variables.
func fromEnvironment(flags *flag.FlagSet, getenv func(string) string) error {
	var errs []error
	flags.VisitAll(func(f *flag.Flag) {
		variable := variables()[f.Name]
		text := getenv(variable)
		if text == "" {
			return
		}
		if err := f.Value.Set(text); err != nil {
			errs = append(errs, fmt.Errorf("environment %s=%q: %w (times are written as 20s)", variable, text, err))
		}
	})
	return errors.Join(errs...)
}

func (o options) check() error {
	var errs []error
	for name, text := range map[string]string{"SQS_QUEUE_URL (--queue-url)": o.queue, "VLLM_ENDPOINT (--endpoint)": o.endpoint} {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || !strings.HasPrefix(u.Scheme, "http") {
			errs = append(errs, fmt.Errorf("%s is %q: give a URL", name, text))
		}
	}
	if o.poll < 0 || o.poll > inference.LongestPoll {
		errs = append(errs, fmt.Errorf("--poll is %v: SQS takes 0 to %v", o.poll, inference.LongestPoll))
	}
	return errors.Join(errs...)
}

// regionOf reads the region from the URL of a queue in AWS.
func regionOf(queue string) string {
	u, err := url.Parse(queue)
	if err != nil {
		return ""
	}
	m := regexp.MustCompile(`^(?:sqs\.([a-z0-9-]+)\.|([a-z0-9-]+)\.queue\.)amazonaws\.com(?:\.cn)?$`).FindStringSubmatch(u.Hostname())
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}
