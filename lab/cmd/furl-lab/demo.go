package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/demo"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/spf13/cobra"
	"golang.org/x/term"
	"k8s.io/client-go/tools/clientcmd"
)

func demoCommand(at *location) *cobra.Command {
	var examples, picture string
	c := &cobra.Command{
		Use:   "demo",
		Short: "Watch Furl scale a web server up and down, and say why",
		Long: `Start a lab, deploy the walkthrough's php-apache with its HPA, put load on it, take the load away,
and draw CPU, replicas and Furl's explanation of each step. Ctrl-C ends it and cleans up.`,
		Example: `  furl lab demo
  furl lab demo --picture timeline.svg`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			o := cluster.Options{Name: at.name, Dir: dir, Nodes: 1}
			if err := chooseOperator(&o, "true"); err != nil {
				return err
			}
			if examples == "" {
				examples = filepath.Join(o.Manifests, "..", "examples", "pod-autoscaling", "hpa")
			}
			out := cmd.OutOrStdout()
			return inLab(cmd.Context(), o, newProgress(out), func(ctx context.Context) error {
				return showDemo(ctx, dir, examples, picture, out)
			})
		},
	}
	c.Flags().StringVar(&examples, "examples", "", "folder of php-apache.yaml and hpa.yaml (default: the repository's)")
	c.Flags().StringVar(&picture, "picture", "furl-demo.svg", "file to draw the whole timeline into")
	return c
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

func showDemo(ctx context.Context, dir, examples, picture string, out io.Writer) error {
	kubeconfig, err := cluster.KubeconfigPath(dir)
	if err != nil {
		return err
	}
	rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return fmt.Errorf("read the lab's kubeconfig: %w", err)
	}
	rest.Dial, rest.QPS = loopback.Dial, -1
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	picture, err = absolute(picture)
	if err != nil {
		return err
	}
	kubectl := filepath.Join(filepath.Dir(self), "kubectl")
	return demo.Run(ctx, demo.Options{
		REST: rest, Examples: filepath.Clean(examples), Picture: picture, Out: out, Screen: screen,
		Kubectl: func(ctx context.Context, args ...string) (string, error) {
			var both bytes.Buffer
			cmd := exec.CommandContext(ctx, kubectl, args...) //nolint:gosec // the demo's own commands
			cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
			cmd.Stdout, cmd.Stderr = &both, &both
			err := cmd.Run()
			return both.String(), err
		},
	})
}

// screen is the terminal behind standard output, as it is now.
func screen() demo.Screen {
	width, height, err := term.GetSize(int(os.Stdout.Fd()))
	if err != nil || os.Getenv("TERM") == "dumb" {
		return demo.Screen{}
	}
	return demo.Screen{Width: width, Height: height, Colour: os.Getenv("NO_COLOR") == ""}
}
