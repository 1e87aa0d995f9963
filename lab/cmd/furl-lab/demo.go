package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/demo"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/furl-dev/furl/lab/sqs"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/tools/clientcmd"
)

func demoCommand(at *location) *cobra.Command {
	var examples, picture string
	var part int
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch Furl scale a web server, and a model on GPUs by its queue, and say why",
		Long: `Start a lab and show the walkthrough. Part 1: deploy php-apache with its HPA, put load on it, take the load away, and draw CPU,
replicas and Furl's explanation of each step. Part 2: a model at zero replicas, 50 prompts in a queue, GPU nodes that Karpenter makes,
and back to zero; draw messages, replicas, nodes and Furl's explanation. Ctrl-C ends it and cleans up.`,
		Example: `  furl lab demo
  furl lab demo --part 2
  furl lab demo --picture timeline.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			o, err := demoLab(at.name, dir, part)
			if err != nil {
				return err
			}
			if examples == "" {
				examples = filepath.Join(o.Manifests, "..", "examples", "pod-autoscaling")
			}
			out := cmd.OutOrStdout()
			shown := demo.Options{Examples: filepath.Clean(examples), Picture: picture, Web: part != 2, Queue: part != 1, Out: out, Screen: screen}
			return inLab(cmd.Context(), o, newProgress(out), func(ctx context.Context) error { return showDemo(ctx, dir, shown) })
		},
	}
	c.Flags().StringVar(&examples, "examples", "", "folder of the walkthrough's hpa and keda (default: the repository's examples/pod-autoscaling)")
	c.Flags().StringVar(&picture, "picture", "furl-demo.svg", "file to draw the timeline of part 1 into; that of part 2 gets -queue before its extension")
	c.Flags().IntVar(&part, "part", 0, "show this part only, 1 or 2 (default: both)")
	return c
}

// demoLab is a lab like that of furl lab up, but for a slower model, so that all ten of its pods have something to do, and
// a Karpenter that makes up its mind sooner.
func demoLab(name, dir string, part int) (cluster.Options, error) {
	if part < 0 || part > 2 {
		return cluster.Options{}, fmt.Errorf("--part=%d: give 1 or 2, or 0 for both", part)
	}
	o := cluster.Options{Name: name, Dir: dir, Nodes: 1}
	if err := chooseOperator(&o, "true"); err != nil || part == 1 {
		return o, err
	}
	o.Queues, o.PodEnv, o.KarpenterArgs = []string{walkthroughQueue}, []string{"FURL_MODEL_SINGLE=30"}, []string{"--patience=1s"}
	return o, chooseKarpenter(&o, "true")
}

// inLab runs act in a lab of its own, which is gone afterwards.
func inLab(ctx context.Context, o cluster.Options, p *progress, act func(context.Context) error) error {
	running, stop := context.WithCancel(ctx)
	defer stop()
	ready, ended := make(chan struct{}), make(chan error, 1)
	go func() { ended <- cluster.Supervise(running, o, p.step, func() { p.done(); close(ready) }) }()
	select {
	case err := <-ended:
		if errors.Is(err, cluster.ErrRunning) {
			return fmt.Errorf("%w: give this one another --name, or end that one with furl lab down", err)
		}
		return errors.Join(err, ctx.Err(), cluster.Down(context.WithoutCancel(ctx), o.Dir))
	case <-ready:
	}
	err := act(running)
	p.step("taking the lab down")
	stop()
	return errors.Join(err, <-ended, cluster.Down(context.WithoutCancel(ctx), o.Dir))
}

func showDemo(ctx context.Context, dir string, o demo.Options) error {
	running, err := cluster.Look(ctx, dir, time.Now())
	if err != nil {
		return err
	}
	if o.REST, err = clientcmd.BuildConfigFromFlags("", running.Kubeconfig); err != nil {
		return fmt.Errorf("read the lab's kubeconfig: %w", err)
	}
	o.REST.Dial, o.REST.QPS = loopback.Dial, -1
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	if o.Picture, err = absolute(o.Picture); err != nil {
		return err
	}
	kubectl := filepath.Join(filepath.Dir(self), "kubectl")
	o.Kubectl = func(ctx context.Context, args ...string) (string, error) {
		var both bytes.Buffer
		cmd := exec.CommandContext(ctx, kubectl, args...) //nolint:gosec // the demo's own commands
		cmd.Env = append(os.Environ(), "KUBECONFIG="+running.Kubeconfig)
		cmd.Stdout, cmd.Stderr = &both, &both
		err := cmd.Run()
		return both.String(), err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: loopback.Dial}}
	defer client.CloseIdleConnections()
	o.Messages = func(ctx context.Context) (visible, inFlight int, err error) {
		return countMessages(ctx, client, running)
	}
	return demo.Run(ctx, o)
}

// countMessages asks for the counts of the walkthrough's queue.
func countMessages(ctx context.Context, client *http.Client, lab cluster.Status) (visible, inFlight int, err error) {
	raw, err := sqs.Ask(ctx, client, lab.Ports.QueueService(), "GetQueueAttributes", map[string]any{
		"QueueUrl": lab.QueueURL(walkthroughQueue), "AttributeNames": []string{"All"},
	})
	if err != nil {
		return 0, 0, err
	}
	var said struct {
		Attributes struct {
			Visible  int `json:"ApproximateNumberOfMessages,string"`
			InFlight int `json:"ApproximateNumberOfMessagesNotVisible,string"`
		}
	}
	if err := json.Unmarshal(raw, &said); err != nil {
		return 0, 0, fmt.Errorf("the answer of the queue service: %w", err)
	}
	return said.Attributes.Visible, said.Attributes.InFlight, nil
}

// screen is the terminal behind standard output, as it is now.
func screen() demo.Screen {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || os.Getenv("TERM") == "dumb" {
		return demo.Screen{}
	}
	return demo.Screen{Width: width, Height: height, Colour: os.Getenv("NO_COLOR") == ""}
}
