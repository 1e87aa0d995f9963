// Command load asks a web server at the rates of a profile and tells how it was answered; it stands for the image
// furl.dev/load in the lab.
//
//	load --profile 0s:5,60s:40,180s:5 --duration 4m http://php-apache
//
// Its exit status is 0 when every request was answered, 1 when more failed than --max-errors allows, 2 for a mistake.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/furl-dev/furl/workload/load"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	status := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}

// request is what the command line asked for.
type request struct {
	url       string
	plan      load.Plan
	timeout   time.Duration
	every     time.Duration
	unending  int
	maxErrors float64 // share of requests that may fail
}

func run(ctx context.Context, args []string, out, errs io.Writer) int {
	r, err := parse(args, errs)
	if errors.Is(err, flag.ErrHelp) {
		return 0
	}
	if err != nil {
		fmt.Fprintln(errs, "load:", err)
		return 2
	}
	client := &http.Client{
		Timeout: r.timeout,
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment, // in the lab, names are answered by the forward proxy
			MaxIdleConnsPerHost:   max(r.unending, r.plan.Concurrency),
			IdleConnTimeout:       30 * time.Second,
			ResponseHeaderTimeout: r.timeout,
		},
	}
	defer client.CloseIdleConnections()
	g := load.Generator{
		Plan: r.plan, Unending: r.unending, Out: out, Every: r.every,
		Send: func(ctx context.Context) error { return ask(ctx, client, r.url) },
	}
	s, err := g.Run(ctx)
	if err != nil {
		fmt.Fprintln(errs, "load:", err)
		return 2
	}
	fmt.Fprintln(out, s)
	if wrong := s.Errors + s.Dropped; float64(wrong) > r.maxErrors*float64(s.Sent+s.Dropped) {
		return 1
	}
	return 0
}

func parse(args []string, errs io.Writer) (request, error) {
	var r request
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(errs)
	rps := flags.Float64("rps", 0, "requests a second")
	profile := flags.String("profile", "", "requests a second from instants on, such as `0s:5,60s:40,180s:5`")
	flags.IntVar(&r.plan.Concurrency, "concurrency", 0, "requests that are unanswered at any time, instead of a rate")
	flags.DurationVar(&r.plan.Duration, "duration", 0, "of the whole; 0 is without end")
	flags.DurationVar(&r.timeout, "timeout", 30*time.Second, "of one request")
	flags.DurationVar(&r.every, "progress", 5*time.Second, "how often to tell of progress; 0 is never")
	flags.IntVar(&r.unending, "in-flight", 1000, "requests that may be unanswered at once when a rate is kept")
	flags.Float64Var(&r.maxErrors, "max-errors", 0, "share of requests that may fail, from 0 to 1")
	if err := flags.Parse(args); err != nil {
		return r, err
	}
	if flags.NArg() != 1 {
		return r, errors.New("give one URL")
	}
	r.url = flags.Arg(0)
	switch {
	case *rps != 0 && *profile != "":
		return r, errors.New("give --rps or --profile, not both")
	case *rps != 0:
		r.plan.Steps = load.Steady(*rps, 0).Steps
	case *profile != "":
		steps, err := load.ParseProfile(*profile)
		if err != nil {
			return r, err
		}
		r.plan.Steps = steps
	}
	if r.timeout <= 0 || r.unending < 1 || !(r.maxErrors >= 0 && r.maxErrors <= 1) {
		return r, errors.New("--timeout and --in-flight are above zero, --max-errors is from 0 to 1")
	}
	if _, err := http.NewRequest(http.MethodGet, r.url, http.NoBody); err != nil { //nolint:noctx // it is only checked
		return r, err
	}
	return r, r.plan.Check()
}

// ask sends one request and reads its answer.
func ask(ctx context.Context, client *http.Client, url string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody) //nolint:gosec // whom to ask is the user's word
	if err != nil {
		return err
	}
	response, err := client.Do(request) //nolint:gosec // whom to ask is the user's word
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // it was only read
	if _, err := io.Copy(io.Discard, io.LimitReader(response.Body, 64<<20)); err != nil {
		return err
	}
	if response.StatusCode >= http.StatusBadRequest {
		return errors.New(response.Status)
	}
	return nil
}
