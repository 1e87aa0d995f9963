package main

import (
	"context"
	"io"
	"time"

	"github.com/furl-dev/furl/lab/bench"
	"github.com/furl-dev/furl/lab/cluster"
	"github.com/spf13/cobra"
)

func benchHPAs(at *location) *cobra.Command {
	var (
		m       hpaBench
		replica bool
	)
	c := &cobra.Command{
		Use:   "hpas",
		Short: "Measure what many HPAs on CPU take at rest, and how soon more load is answered",
		Long: `Make many HPAs on the CPU of two pods each, which use what is wanted give or take 3 %, drawn anew for every sample, and
measure two replicas of the operator while no size changes: CPU, memory and requests to the API server. Then let some
workloads use four times as much, each from a random instant on, and take the time from the instant at which a node of
their pods is due to be read to the Scale write's arrival at the API server.`,
		Example: `  furl lab bench hpas --objects 1000`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			args := []string{"--metric-resolution=" + m.crowd.Scrape.String()}
			o := cluster.Options{SimNodes: (2*m.crowd.Objects+20*m.flips)/podsOfNode + 1, OperatorArgs: args}
			return inBench(cmd, at, o, func(ctx context.Context, b *bench.Bench, _ io.Writer) error {
				if replica {
					standby, err := b.Standby(ctx, args...)
					if err != nil {
						return err
					}
					defer standby.Close()
					m.standby = standby
				}
				return m.run(ctx, b)
			})
		},
	}
	f := c.Flags()
	f.IntVar(&m.crowd.Objects, "objects", 1000, "HPAs, each with a deployment of two pods")
	f.StringVar(&m.crowd.Noise, "noise", "3%", "how far off a sample may be, on either side")
	f.DurationVar(&m.crowd.Scrape, "scrape", 15*time.Second, "the operators' --metric-resolution")
	f.BoolVar(&replica, "standby", true, "run and measure a second replica")
	f.IntVar(&m.flips, "flips", 40, "workloads that use more at the end")
	f.DurationVar(&m.over, "over", time.Minute, "the time over which these are spread")
	f.Uint64Var(&m.seed, "seed", 1, "of the random instants")
	m.windows.flags(c)
	return c
}

// hpaBench is a measurement of HPAs.
type hpaBench struct {
	crowd   bench.Autoscalers
	windows windows
	flips   int
	over    time.Duration
	seed    uint64
	standby *bench.Standby
}

func (m *hpaBench) run(ctx context.Context, b *bench.Bench) error {
	if err := b.GatherHPAs(ctx, m.crowd); err != nil {
		return err
	}
	if err := m.windows.settle(ctx); err != nil {
		return err
	}
	if _, err := b.RestHPAs(ctx, m.crowd.Objects, m.windows.n, m.windows.span, m.standby); err != nil {
		return err
	}
	_, err := b.Flip(ctx, m.crowd, m.flips, m.over, m.seed)
	return err
}

func benchNodes(at *location) *cobra.Command {
	var (
		fleet        bench.Fleet
		w            windows
		starts       int
		housekeeping time.Duration
	)
	c := &cobra.Command{
		Use:   "nodes",
		Short: "Measure what reading many kubelets takes, and how soon a new operator serves metrics.k8s.io",
		Long: `Put pods on many simulated nodes, whose kubelets measure each 10 s and are read each 15 s, and measure the operator: CPU
and memory. Then end the operator, and take the time from the beginning of the next one's process until metrics.k8s.io has
every node and every pod.`,
		Example: `  furl lab bench nodes --nodes 1000 --pods 30`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			o := cluster.Options{
				SimNodes: fleet.Nodes, SimHousekeeping: housekeeping, OperatorArgs: []string{"--metric-resolution=" + fleet.Scrape.String()},
			}
			return inBench(cmd, at, o, func(ctx context.Context, b *bench.Bench, _ io.Writer) error {
				if err := b.Occupy(ctx, fleet); err != nil {
					return err
				}
				if err := w.settle(ctx); err != nil {
					return err
				}
				if _, err := b.ReadNodes(ctx, fleet, w.n, w.span); err != nil {
					return err
				}
				_, err := b.ServeNodes(ctx, fleet, starts)
				return err
			})
		},
	}
	f := c.Flags()
	f.IntVar(&fleet.Nodes, "nodes", 1000, "simulated nodes")
	f.IntVar(&fleet.Pods, "pods", 30, "pods of a node")
	f.DurationVar(&fleet.Scrape, "scrape", 15*time.Second, "the operator's --metric-resolution")
	f.DurationVar(&housekeeping, "housekeeping", 10*time.Second, "how often a kubelet measures; 0: each time it is read")
	f.IntVar(&starts, "starts", 2, "starts to measure")
	w.flags(c)
	return c
}

// windows are how long and how often a measurement at rest is made, and when it begins.
type windows struct {
	n           int
	span, after time.Duration
}

func (w *windows) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&w.n, "windows", 3, "windows to measure")
	f.DurationVar(&w.span, "window", time.Minute, "length of a window")
	f.DurationVar(&w.after, "settle", 90*time.Second, "how long to wait before, so that what a beginning leaves to do is done")
}

// settle waits as long as is said.
func (w *windows) settle(ctx context.Context) error {
	t := time.NewTimer(w.after)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
