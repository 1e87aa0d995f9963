// Command furl-karpenter is the lab's Karpenter: it rents nodes for pods that wait, and gives them back. The lab starts it.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/karpenter"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/spf13/pflag"
	"k8s.io/client-go/tools/clientcmd"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil && !errors.Is(err, pflag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "furl-karpenter:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	c := karpenter.Config{Log: slog.New(slog.NewTextHandler(os.Stderr, nil))}
	flags := pflag.NewFlagSet("furl-karpenter", pflag.ContinueOnError)
	kubeconfig := flags.String("kubeconfig", "", "kubeconfig of the lab")
	flags.IntVar(&c.Room, "room", 100, "how many machines there may be at a time")
	flags.BoolVar(&c.SeveralGPUs, "several-gpus", false, "rent out machines with more than one GPU too; Karpenter then puts several pods on one")
	flags.DurationVar(&c.BatchIdle, "batch-idle-duration", time.Second, "how long to wait for one more pod before nodes are made")
	flags.DurationVar(&c.BatchMax, "batch-max-duration", 10*time.Second, "how long to wait for more pods at most")
	flags.DurationVar(&c.Patience, "patience", 15*time.Second, "how long to wait before looking again whether a node is needed no more")
	if err := flags.Parse(args); err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", *kubeconfig)
	if err != nil {
		return fmt.Errorf("read the kubeconfig (--kubeconfig): %w", err)
	}
	rest.Dial, rest.QPS, rest.UserAgent = loopback.Dial, -1, "karpenter"
	c.REST = rest
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	go func() { // standard input is a pipe that the lab's supervisor holds and never writes to
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel(errors.New("the supervisor is gone"))
	}()
	return karpenter.Run(ctx, c)
}
