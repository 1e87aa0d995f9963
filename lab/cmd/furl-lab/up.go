package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func upCommand(at *location) *cobra.Command {
	var (
		o          cluster.Options
		foreground bool
		keep       bool
		operator   string
		karpenter  string
	)
	c := &cobra.Command{
		Use:   "up",
		Short: "Start the lab, or go on with one that was kept",
		Long: `Start a real Kubernetes control plane, nodes that run pods as local processes, and Furl, all on loopback addresses.

The lab runs in the background until "furl lab down". A lab that runs already is left as it is.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			o.Name, o.Dir = at.name, dir
			if err := chooseOperator(&o, operator); err != nil {
				return err
			}
			if err := chooseKarpenter(&o, karpenter); err != nil {
				return err
			}
			p := newProgress(cmd.OutOrStdout())
			if foreground {
				end := cluster.Down
				if keep {
					end = func(context.Context, string) error { return nil } // nothing runs any more; that is enough
				}
				return runForeground(cmd.Context(), o, p, end)
			}
			err = cluster.Start(cmd.Context(), o, p.step)
			switch {
			case errors.Is(err, cluster.ErrRunning):
				p.say("The lab runs already. To change it: furl lab down, then up with other flags.")
			case errors.Is(err, context.Canceled):
				p.step("interrupted, and taken down again")
				return err
			case err != nil:
				return err
			default:
				p.done()
			}
			return p.next(cmd.Context(), at, dir)
		},
	}
	f := c.Flags()
	labFlags(f, &o)
	f.StringVar(&operator, "operator", "auto", "run furl operator: true, false, or auto (when furl is found)")
	f.StringVar(&karpenter, "karpenter", "auto", "make nodes by Karpenter for pods that wait, once there is a NodePool: true, false, or auto (when furl-karpenter is found)")
	f.BoolVar(&foreground, "foreground", false, "stay, and take the lab down at Ctrl-C")
	f.BoolVar(&keep, "keep", false, "with --foreground: keep the lab's folder at the end")
	return c
}

// labFlags are those that fill in the options as they are.
func labFlags(f *pflag.FlagSet, o *cluster.Options) {
	f.IntVar(&o.Nodes, "nodes", 1, "nodes that run pods as local processes")
	f.IntVar(&o.SimNodes, "sim-nodes", 0, "simulated nodes, tainted furl.dev/simulated=true:NoSchedule")
	f.DurationVar(&o.SimStartDelay, "sim-start-delay", time.Second, "how long a pod on a simulated node takes to become ready")
	f.DurationVar(&o.SimHousekeeping, "sim-housekeeping", 0, "how often simulated nodes measure what they tell, 10s as kubelets do; 0: each time they are asked")
	f.BoolVar(&o.HPAController, "hpa-controller", false, "run upstream's HPA controller, to compare; furl operator then starts with --hpa-controller=off")
	f.StringVar(&o.OperatorPath, "operator-path", "", "program to run as furl (default: furl beside this program)")
	f.StringArrayVar(&o.OperatorArgs, "operator-arg", nil, "argument for furl operator, such as --metric-resolution=4s; may be repeated")
	f.BoolVar(&o.ExternalMetrics, "external-metrics", false, "let furl operator answer for external.metrics.k8s.io, for ScaledObjects with furl.dev/actuation=hpa")
	f.StringVar(&o.Manifests, "manifests", "", "folder of Furl's install manifests (default: deploy beside this program or one folder up, else those that it was built with)")
	f.StringArrayVar(&o.KarpenterArgs, "karpenter-arg", nil, "argument for furl-karpenter, such as --several-gpus; may be repeated")
	f.StringArrayVar(&o.Images, "image", nil, "run a program for an image: nginx=./my-server; may be repeated")
	f.StringArrayVar(&o.Queues, "queue", []string{walkthroughQueue}, "queue that the lab's SQS has from the beginning; may be repeated")
	f.StringArrayVar(&o.PodEnv, "pod-env", nil, "variable for every container, such as FURL_MODEL_LOAD=30s; may be repeated")
	f.StringArrayVar(&o.APIServerArgs, "apiserver-arg", nil, "argument for kube-apiserver; may be repeated")
	f.StringArrayVar(&o.ControllerManagerArgs, "controller-manager-arg", nil, "argument for kube-controller-manager; may be repeated")
	f.StringArrayVar(&o.SchedulerArgs, "scheduler-arg", nil, "argument for kube-scheduler; may be repeated")
}

// chooseOperator decides whether furl operator runs.
func chooseOperator(o *cluster.Options, wanted string) error {
	if o.OperatorPath == "" {
		self, err := os.Executable()
		if err != nil {
			return fmt.Errorf("find this program: %w", err)
		}
		o.OperatorPath = filepath.Join(filepath.Dir(self), "furl")
	}
	if err := findManifests(o); err != nil {
		return err
	}
	_, err := os.Stat(o.OperatorPath)
	switch wanted {
	case "true":
		o.Operator = true
		if err != nil {
			return fmt.Errorf("find the program to run as operator (name it with --operator-path): %w", err)
		}
	case "false":
	case "auto":
		o.Operator = err == nil
	default:
		return fmt.Errorf("--operator=%s: say true, false or auto", wanted)
	}
	return nil
}

// findManifests makes the folder of the manifests absolute, or looks for it where a build and an install have it.
func findManifests(o *cluster.Options) error {
	if o.Manifests != "" {
		abs, err := absolute(o.Manifests)
		o.Manifests = abs
		return err
	}
	beside := filepath.Dir(o.OperatorPath)
	for _, dir := range []string{filepath.Join(beside, "deploy"), filepath.Join(beside, "..", "deploy")} {
		if found, err := filepath.Glob(filepath.Join(dir, "*.yaml")); err == nil && len(found) > 0 {
			o.Manifests = filepath.Clean(dir)
			return nil
		}
	}
	return nil
}

// runForeground is the whole life of a lab in this process; end is what becomes of its folder.
func runForeground(ctx context.Context, o cluster.Options, p *progress, end func(context.Context, string) error) error {
	err := cluster.Supervise(ctx, o, p.step, func() {
		p.done()
		p.say("export KUBECONFIG=" + cluster.Kubeconfig(o.Dir))
		p.say("Ctrl-C takes the lab down.")
	})
	if errors.Is(err, cluster.ErrRunning) {
		return err // somebody else's, and so is the folder
	}
	// The signal that ended the lab has ended ctx as well.
	return errors.Join(err, end(context.WithoutCancel(ctx), o.Dir))
}

// progress tells the person who waits what happens and how long it has taken.
type progress struct {
	out  io.Writer
	from time.Time
}

func newProgress(out io.Writer) *progress { return &progress{out: out, from: time.Now()} }

func (p *progress) step(what string) {
	_, _ = fmt.Fprintf(p.out, "%6.1fs  %s\n", time.Since(p.from).Seconds(), what)
}

func (p *progress) say(line string) { _, _ = fmt.Fprintln(p.out, line) }

func (p *progress) done() { p.step("ready") }

// next says what to type now.
func (p *progress) next(ctx context.Context, at *location, dir string) error {
	s, err := cluster.Look(ctx, dir, time.Now())
	if err != nil {
		return err
	}
	which := ""
	if at.name != "default" {
		which = " --name " + at.name
	}
	if at.dir != "" {
		which = " --dir " + at.dir
	}
	p.say("")
	p.say("export KUBECONFIG=" + s.Kubeconfig)
	p.say("kubectl get nodes")
	p.say("")
	p.say("furl lab status" + which + "    how it is")
	p.say("furl lab down" + which + "      ends it and deletes " + dir)
	return nil
}
