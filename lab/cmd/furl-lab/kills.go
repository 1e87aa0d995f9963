package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/furl-dev/furl/lab/avail"
	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/spf13/cobra"
	"k8s.io/client-go/tools/clientcmd"
)

// availNodes bear some tens of pods of each workload.
const availNodes = 3

func benchKills(at *location) *cobra.Command {
	o, plan, output := avail.DefaultOptions(), avail.Plan{Runs: 30, Kinds: avail.Kinds()}, "text"
	c := &cobra.Command{
		Use:   "kills",
		Short: "Take the leader away again and again under load, and hold every write against the lease",
		Long: `Run two operators, each behind a proxy of its own, with ScaledObjects whose load moves every few seconds and HPAs whose load
only grows. At random moments the leader is killed, stopped and continued later, or cut off from the API server. From the
API server's audit log follows who wrote what while who held the lease. It fails if anybody wrote without the lease, if a
size was written that was not right for what the source had just told, if a workload shrank whose load grew, or if the
first size came later than 5 s after the lease had run out. --faults breaks the API server itself, for both.`,
		Example: `  furl lab bench kills --runs 30
  furl lab bench kills --runs 0 --faults gone,429,409,watches`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if output != "text" && output != "json" {
				return fmt.Errorf("--output is %q: set text or json", output)
			}
			if plan.Runs > 0 && len(plan.Kinds) == 0 {
				return errors.New("--kinds is empty: name some, or set --runs 0")
			}
			return killing(cmd, at, o, plan, output)
		},
	}
	f := c.Flags()
	f.IntVar(&plan.Runs, "runs", plan.Runs, "how often the leader is lost")
	f.StringSliceVar(&plan.Kinds, "kinds", plan.Kinds, "ways to lose it, in turns: kill, stop, cut, term")
	f.StringSliceVar(&plan.Faults, "faults", nil, "ways to break the API server after that, each once: gone, 429, 409, watches")
	f.Uint64Var(&o.Seed, "seed", o.Seed, "of the random moments and of the load")
	f.IntVar(&o.ScaledObjects, "objects", o.ScaledObjects, "ScaledObjects, each with a source of its own")
	f.IntVar(&o.HPAs, "hpas", o.HPAs, "HPAs on cpu")
	f.DurationVar(&o.Stopped, "stopped", o.Stopped, "for how long a leader is stopped")
	f.DurationVar(&o.Cut, "cut", o.Cut, "for how long a leader is cut off")
	f.DurationVar(&o.Gone, "gone", o.Gone, "for how long there is no API server")
	f.DurationVar(&o.Fault, "fault", o.Fault, "for how long the API server answers 429 or 409, or has no watches")
	f.StringVarP(&output, "output", "o", output, "what to print at the end: text or json")
	return c
}

// killing runs a plan in a lab of its own. Progress goes where the result does not.
func killing(cmd *cobra.Command, at *location, o avail.Options, plan avail.Plan, output string) error {
	progress := cmd.OutOrStdout()
	if output == "json" {
		progress = cmd.ErrOrStderr()
	}
	o.Out = progress
	return inAvail(cmd.Context(), at, &o, progress, func(ctx context.Context) error {
		kubeconfig, err := cluster.KubeconfigPath(o.Dir)
		if err != nil {
			return err
		}
		rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
		if err != nil {
			return fmt.Errorf("read the lab's kubeconfig: %w", err)
		}
		rest.Dial, rest.QPS = loopback.Dial, -1
		h, err := avail.New(ctx, o, rest)
		if err != nil {
			return err
		}
		r, err := h.Carry(ctx, plan)
		return errors.Join(err, h.Close(), show(&r, cmd.OutOrStdout(), output), r.Err())
	})
}

func show(r *avail.Report, to io.Writer, output string) error {
	if output == "json" {
		return r.JSON(to)
	}
	return r.Table(to)
}

// inAvail runs act in a lab whose own operator decides nothing.
func inAvail(ctx context.Context, at *location, o *avail.Options, out io.Writer, act func(context.Context) error) error {
	dir, err := at.folder()
	if err != nil {
		return err
	}
	notes, err := os.MkdirTemp("", "furl-avail-")
	if err != nil {
		return fmt.Errorf("make a folder for the audit log: %w", err)
	}
	defer func() { _ = os.RemoveAll(notes) }() // it is in the system's folder for such
	audit, log, err := avail.AuditArgs(notes)
	if err != nil {
		return err
	}
	lab := cluster.Options{Name: at.name, Dir: dir, SimNodes: availNodes, APIServerArgs: audit, OperatorArgs: avail.OperatorArgs()}
	if err := chooseOperator(&lab, "true"); err != nil {
		return err
	}
	o.Dir, o.Bin, o.Audit = dir, filepath.Dir(lab.OperatorPath), log
	return inLab(ctx, lab, newProgress(out), act)
}
