// Command vllm-openai stands in for a vLLM server in the lab; it is what runs for the image vllm/vllm-openai.
//
//	vllm-openai serve Qwen/Qwen3-4B-FP8 --served-model-name=qwen3-4b-fp8
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/vllm"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Getenv, os.Stdout)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "vllm-openai:", err)
		os.Exit(1)
	}
}

// grace is how long answers in flight may take after TERM.
const grace = time.Minute

func run(ctx context.Context, args []string, getenv func(string) string, out io.Writer) error {
	c, err := vllm.Parse(args, getenv)
	if err != nil {
		return err
	}
	model, err := vllm.New(c)
	if err != nil {
		return err
	}
	address := listenOn(c, getenv)
	listener, err := loopback.Listen(ctx, address)
	if err != nil {
		return fmt.Errorf("listen on %s: %w", address, err)
	}
	say := func(line string) { fmt.Fprintln(out, time.Now().Format("15:04:05"), line) }
	say("stand-in for vLLM, without a GPU: model " + c.Model + ", served as " + strings.Join(c.Served, ", ") + " on " + listener.Addr().String())
	if len(c.Ignored) > 0 {
		say("no meaning here: " + strings.Join(c.Ignored, " "))
	}
	return serve(ctx, listener, model, say)
}

// listenOn is where the lab says, else what the command line says, on this machine alone.
func listenOn(c vllm.Config, getenv func(string) string) string {
	if address := getenv("LAB_LISTEN"); address != "" {
		return address
	}
	host := getenv("POD_IP")
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, strconv.Itoa(c.Port))
}

// serve answers from the beginning, with 503 until the model is loaded, and finishes what is in flight at the end.
func serve(ctx context.Context, listener net.Listener, model *vllm.Server, say func(string)) error {
	server := &http.Server{Handler: model, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 75 * time.Second, MaxHeaderBytes: 16 << 10}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(listener) }()
	var load sync.WaitGroup
	defer load.Wait()
	load.Go(func() { model.LoadModel(ctx, say) })
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	say("told to end: finishing what is in flight")
	finish, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	if err := server.Shutdown(finish); err != nil {
		return fmt.Errorf("finish the answers in flight within %v: %w", grace, err)
	}
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
