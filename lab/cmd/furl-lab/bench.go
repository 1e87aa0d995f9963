package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/furl-dev/furl/lab/bench"
	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

// podsOfNode is how many workloads' pods a simulated node is there for; it has room for 110.
const podsOfNode = 100

func benchCommand(at *location) *cobra.Command {
	c := &cobra.Command{
		Use:   "bench",
		Short: "Measure what autoscaling costs and how soon it answers",
		Long: `Start a lab with nothing in it but what is measured, and a source on a free port that triggers ask. Requests are counted
at the API server and at the source. Beside each figure stands the machine's load average: latencies on a busy machine
mean little, CPU-seconds nearly as much as on a quiet one.`,
	}
	c.AddCommand(benchReact(at), benchRest(at), benchHPAs(at), benchNodes(at), benchKills(at))
	return c
}

func benchReact(at *location) *cobra.Command {
	var (
		runs int
		poll time.Duration
		seed uint64
	)
	c := &cobra.Command{
		Use:   "react",
		Short: "Measure the time from a poll's answer, or a push, to the Scale write, and count the writes",
		Long: `Give work for ten replicas to workloads at zero, each at a random instant: through metrics-api, polled, and through
external-push. The time begins when the source has answered, or pushed, and ends when a watch of deployments shows the size.`,
		Example: `  furl lab bench react --runs 40`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inBench(cmd, at, withSource(runs/10+1), func(ctx context.Context, b *bench.Bench, _ io.Writer) error {
				_, err := b.Reactions(ctx, runs, poll, seed)
				return err
			})
		},
	}
	c.Flags().IntVar(&runs, "runs", 20, "workloads of each kind")
	c.Flags().DurationVar(&poll, "poll", 5*time.Second, "pollingInterval of the metrics-api triggers")
	c.Flags().Uint64Var(&seed, "seed", 1, "of the random instants")
	return c
}

func benchRest(at *location) *cobra.Command {
	var (
		crowd             bench.Crowd
		windows, restarts int
		span, settle      time.Duration
	)
	c := &cobra.Command{
		Use:   "rest",
		Short: "Measure what many ScaledObjects take while nothing happens, and how soon a new operator serves them",
		Long: `Make many ScaledObjects, of which every second one is active at its right size, and measure the operator while nothing
changes: CPU, memory, requests to the API server and to the source. Then end the operator, and take the time from the lease
of the next one until every source is read and every object decided on.`,
		Example: `  furl lab bench rest --objects 1000`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return inBench(cmd, at, withSource(crowd.Objects/2/podsOfNode+1), func(ctx context.Context, b *bench.Bench, out io.Writer) error {
				if err := b.Gather(ctx, crowd); err != nil {
					return err
				}
				if err := b.Settle(ctx, settle); err != nil {
					return err
				}
				all, err := b.Rest(ctx, crowd, windows, span)
				if err != nil {
					return err
				}
				if len(all) > 0 {
					_, _ = fmt.Fprintln(out, bench.Medians(all)) // nobody may be reading
				}
				_, err = b.Restarts(ctx, crowd, restarts)
				return err
			})
		},
	}
	f := c.Flags()
	f.IntVar(&crowd.Objects, "objects", 1000, "ScaledObjects, each with a deployment and a source of its own")
	f.DurationVar(&crowd.Poll, "poll", 30*time.Second, "their pollingInterval")
	f.IntVar(&windows, "windows", 3, "windows to measure")
	f.DurationVar(&span, "window", time.Minute, "length of a window")
	f.DurationVar(&settle, "settle", 10*time.Minute, "how long to wait at most until nothing is written any more")
	f.IntVar(&restarts, "restarts", 3, "restarts to measure")
	return c
}

// withSource is a lab whose operator scrapes no kubelets: what is measured is asked for elsewhere.
func withSource(simNodes int) cluster.Options {
	return cluster.Options{SimNodes: simNodes, OperatorArgs: []string{"--resource-metrics=api"}}
}

// inBench runs act in a lab of its own.
func inBench(cmd *cobra.Command, at *location, o cluster.Options, act func(context.Context, *bench.Bench, io.Writer) error) error {
	dir, err := at.folder()
	if err != nil {
		return err
	}
	notes, err := os.MkdirTemp("", "furl-bench-")
	if err != nil {
		return fmt.Errorf("make a folder for the audit log: %w", err)
	}
	defer func() { _ = os.RemoveAll(notes) }() // it is in the system's folder for such
	audit, log, err := bench.AuditArgs(notes)
	if err != nil {
		return err
	}
	o.Name, o.Dir, o.APIServerArgs = at.name, dir, audit
	if err := chooseOperator(&o, "true"); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	return inLab(cmd.Context(), o, newProgress(out), func(ctx context.Context) error {
		kubeconfig, err := cluster.KubeconfigPath(dir)
		if err != nil {
			return err
		}
		rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return fmt.Errorf("read the lab's kubeconfig: %w", err)
		}
		rest.Dial, rest.QPS = loopback.Dial, -1
		b, err := bench.New(ctx, bench.Bench{Dir: dir, Audit: log, Program: o.OperatorPath, Out: out}, rest)
		if err != nil {
			return err
		}
		return errors.Join(act(ctx, b, out), b.Close())
	})
}
