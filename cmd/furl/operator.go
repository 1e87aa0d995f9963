package main

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"os"

	"github.com/furl-dev/furl/cli"
	"github.com/furl-dev/furl/operator"
	"github.com/spf13/cobra"
	"k8s.io/klog/v2"
)

// operatorCommand is `furl operator`: the flags, and the hand-over to package operator.
func operatorCommand() *cobra.Command {
	c := operator.DefaultConfig()
	var log cli.LogFlags
	cmd := &cobra.Command{
		Use:   "operator",
		Short: "Run Furl in a cluster: scrape, serve metrics, decide and scale",
		Long: `Run Furl in a cluster: scrape the kubelets, serve metrics.k8s.io, and reconcile
HorizontalPodAutoscalers as soon as a measurement, a pod or a spec changes.`,
		Example: `  # beside the built-in controller: serve metrics, take only HPAs that nobody serves
  furl operator

  # in place of it, in a cluster whose kube-controller-manager runs with --controllers=*,-horizontal-pod-autoscaler-controller
  furl operator --hpa-controller=on

  # from outside, against the cluster of a kubeconfig
  furl operator --kubeconfig ~/.kube/config --leader-elect=false`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			logger, err := log.Logger(cmd.ErrOrStderr())
			if err != nil {
				return err
			}
			restore, err := gather(logger)
			if err != nil {
				return err
			}
			defer restore()
			c.Log = logger
			// In a pod of the lab, which cannot be given the fixed path of a pod's token.
			c.Kubeconfig = cmp.Or(c.Kubeconfig, os.Getenv("KUBECONFIG"))
			if c.Identity, err = identity(); err != nil {
				return err
			}
			if c.Address, err = address(); err != nil {
				return err
			}
			return operator.Run(cmd.Context(), c)
		},
	}
	c.AddFlags(cmd.Flags())
	log.Add(cmd)
	return cmd
}

// gather sends to the logger whatever a library says, however it says it,
// until restore is called.
func gather(logger *slog.Logger) (restore func(), err error) {
	libraries := slog.New(muffled{logger.Handler()})
	klog.SetSlogLogger(libraries.With("source", "client"))
	slog.SetDefault(libraries) // package log, too
	if restore, err = captureStderr(libraries); err != nil {
		return nil, fmt.Errorf("pipe for what libraries print: %w", err)
	}
	return restore, nil
}

// muffled makes what client libraries find worth an info line a debug line:
// ours say what changed.
type muffled struct{ slog.Handler }

const muffle = slog.LevelInfo - slog.LevelDebug

func (m muffled) Enabled(ctx context.Context, l slog.Level) bool {
	return m.Handler.Enabled(ctx, muffledLevel(l))
}

func (m muffled) Handle(ctx context.Context, r slog.Record) error {
	r.Level = muffledLevel(r.Level)
	return m.Handler.Handle(ctx, r)
}

func (m muffled) WithAttrs(as []slog.Attr) slog.Handler { return muffled{m.Handler.WithAttrs(as)} }
func (m muffled) WithGroup(name string) slog.Handler    { return muffled{m.Handler.WithGroup(name)} }

func muffledLevel(l slog.Level) slog.Level {
	if l < slog.LevelWarn {
		return l - muffle
	}
	return l
}

// address is the pod's by the downward API; none outside a cluster.
func address() (netip.Addr, error) {
	ip := os.Getenv("POD_IP")
	if ip == "" {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(ip)
	if err != nil {
		return a, &cli.UsageError{Err: fmt.Errorf("environment POD_IP: %w; set it by the downward API from status.podIP", err)}
	}
	return a, nil
}

// identity tells this process from others that want the lease: the pod's name
// by the downward API, else host and process.
func identity() (string, error) {
	if pod := os.Getenv("POD_NAME"); pod != "" {
		return pod, nil
	}
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name of this host: %w", err)
	}
	return fmt.Sprintf("%s_%d", host, os.Getpid()), nil
}
