package main

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/latency"
	"github.com/furl-dev/furl/lab/route/loopback"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/clientcmd"
)

func latencyCommand(at *location) *cobra.Command {
	var (
		runs   int
		scrape time.Duration
		seed   uint64
	)
	c := &cobra.Command{
		Use:   "latency",
		Short: "Measure the time from a step of load to the Scale write",
		Long: `Start a lab, put a step of load on php-apache at a random instant of the scrape interval, and take the time until
its deployment is asked for more replicas; again and again. Prints each run, then p50 and p95.`,
		Example: `  furl lab latency
  furl lab latency --scrape 4s --runs 40`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			o := cluster.Options{Name: at.name, Dir: dir, Nodes: 1, OperatorArgs: []string{"--metric-resolution=" + scrape.String()}}
			if err := chooseOperator(&o, "true"); err != nil {
				return err
			}
			out := cmd.OutOrStdout()
			return inLab(cmd.Context(), o, newProgress(out), func(ctx context.Context) error {
				m, err := measurement(ctx, dir, filepath.Join(o.Manifests, "..", "examples", "pod-autoscaling", "hpa"))
				if err != nil {
					return err
				}
				m.Runs, m.Scrape, m.Seed, m.Out = runs, scrape, seed, out
				return reportLatency(ctx, m, out)
			})
		},
	}
	c.Flags().IntVar(&runs, "runs", 20, "steps to measure")
	c.Flags().DurationVar(&scrape, "scrape", 10*time.Second, "the operator's --metric-resolution")
	c.Flags().Uint64Var(&seed, "seed", 1, "of the random instants")
	return c
}

// eager lets the workload shrink at once, so that the next step soon finds it at rest. How it grows is left as it is.
const eager = `{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":0,"policies":[{"type":"Percent","value":100,"periodSeconds":1}]}}}}`

// measurement deploys the walkthrough's workload.
func measurement(ctx context.Context, dir, examples string) (latency.Options, error) {
	kubeconfig, err := cluster.KubeconfigPath(dir)
	if err != nil {
		return latency.Options{}, err
	}
	self, err := os.Executable()
	if err != nil {
		return latency.Options{}, fmt.Errorf("find this program: %w", err)
	}
	for _, args := range []string{
		"apply -f " + filepath.Join(examples, "php-apache.yaml"), "apply -f " + filepath.Join(examples, "hpa.yaml"),
		"patch hpa php-apache --type=merge --patch " + eager, "rollout status deployment/php-apache --timeout=60s",
	} {
		cmd := exec.CommandContext(ctx, filepath.Join(filepath.Dir(self), "kubectl"), strings.Fields(args)...) //nolint:gosec // our own commands
		cmd.Env = append(os.Environ(), "KUBECONFIG="+kubeconfig)
		if both, err := cmd.CombinedOutput(); err != nil {
			return latency.Options{}, fmt.Errorf("kubectl %s: %w: %s", args, err, both)
		}
	}
	rest, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return latency.Options{}, fmt.Errorf("read the lab's kubeconfig: %w", err)
	}
	rest.Dial, rest.QPS = loopback.Dial, -1
	client, err := kubernetes.NewForConfig(rest)
	if err != nil {
		return latency.Options{}, fmt.Errorf("make a client of the lab: %w", err)
	}
	service, err := client.CoreV1().Services("default").Get(ctx, "php-apache", metav1.GetOptions{})
	if err != nil {
		return latency.Options{}, fmt.Errorf("read the Service: %w", err)
	}
	return latency.Options{
		Client: client, Namespace: "default", Workload: "php-apache", URL: "http://" + service.Spec.ClusterIP,
		HTTP:    &http.Client{Timeout: 30 * time.Second, Transport: &http.Transport{DialContext: loopback.Dial, MaxIdleConnsPerHost: 8}},
		Callers: 2,
	}, nil
}

func reportLatency(ctx context.Context, m latency.Options, out io.Writer) error {
	took, err := latency.Measure(ctx, m)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "step of load to Scale write, scrape %s, %d runs: p50 %.1f s, p95 %.1f s, max %.1f s\n",
		m.Scrape, len(took), latency.Quantile(took, 0.5).Seconds(), latency.Quantile(took, 0.95).Seconds(), latency.Quantile(took, 1).Seconds())
	return err
}
