// Command hpa-example is the web server of the walkthrough; it stands for the image registry.k8s.io/hpa-example.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"

	"github.com/furl-dev/furl/workload/hpaexample"
)

// grace is how long requests in flight may take after TERM; it is under the 30 s that a pod is given by default.
const grace = 20 * time.Second

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	log := slog.New(slog.NewTextHandler(os.Stderr, nil))
	if err := run(ctx, os.Args[1:], os.Getenv, log); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "hpa-example:", err)
		}
		stop()
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, getenv func(string) string, log *slog.Logger) error {
	settings, address, err := configure(args, getenv)
	if err != nil {
		return err
	}
	pages, err := hpaexample.New(settings)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w (choose another with --listen, LAB_LISTEN or PORT)", address, err)
	}
	log.InfoContext(ctx, "listening", "address", listener.Addr().String(), "work", settings.Work, "workers", settings.Workers)
	return serve(ctx, listener, pages)
}

// serve answers until ctx ends, and then lets requests in flight finish for a while.
func serve(ctx context.Context, listener net.Listener, pages http.Handler) error {
	server := &http.Server{
		Handler:           pages,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		IdleTimeout:       75 * time.Second, // beyond the forward proxy's 60 s, so that the proxy closes first
		MaxHeaderBytes:    16 << 10,
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return fmt.Errorf("finish the requests in flight within %v: %w", grace, err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// configure reads flags over environment over defaults: CPU_PER_REQUEST, WORKERS, QUEUE; LAB_LISTEN (host:port), PORT.
func configure(args []string, getenv func(string) string) (hpaexample.Settings, string, error) {
	s := hpaexample.Defaults()
	address := ":80"
	if port := getenv("PORT"); port != "" {
		address = ":" + port
	}
	if listen := getenv("LAB_LISTEN"); listen != "" {
		address = listen
	}
	if err := fromEnvironment(&s, getenv); err != nil {
		return s, "", err
	}
	flags := flag.NewFlagSet("hpa-example", flag.ContinueOnError)
	flags.StringVar(&address, "listen", address, "`host:port` to listen on")
	flags.DurationVar(&s.Work, "cpu-per-request", s.Work, "CPU time of one answer")
	flags.IntVar(&s.Workers, "workers", s.Workers, "answers worked on at the same time")
	flags.IntVar(&s.Queue, "queue", s.Queue, "requests that may wait for a worker")
	if err := flags.Parse(args); err != nil {
		return s, "", err
	}
	if flags.NArg() > 0 {
		return s, "", fmt.Errorf("%q is no flag; see --help", flags.Arg(0))
	}
	return s, address, nil
}

func fromEnvironment(s *hpaexample.Settings, getenv func(string) string) error {
	if text := getenv("CPU_PER_REQUEST"); text != "" {
		work, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("environment CPU_PER_REQUEST: %w (write it as 20ms)", err)
		}
		s.Work = work
	}
	for name, number := range map[string]*int{"WORKERS": &s.Workers, "QUEUE": &s.Queue} {
		text := getenv(name)
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil {
			return fmt.Errorf("environment %s: %w", name, err)
		}
		*number = n
	}
	return nil
}
