package cli

import (
	"context"
	"fmt"
	"io"

	"github.com/furl-dev/furl/cli/install"
	"github.com/furl-dev/furl/deploy"
	"github.com/spf13/cobra"
)

// removal is one call of furl uninstall, as its flags say.
type removal struct {
	target
	farewell   install.Farewell
	finalizers string
	only       bool
	stop       string
}

func uninstallCommand() *cobra.Command {
	r := new(removal)
	cmd := &cobra.Command{
		Use:   "uninstall",
		Short: "Take Furl away and leave nothing stuck",
		Long: `Take away what furl install made: first what makes the API server ask Furl, then
the pods, then Furl's finalizers, and its namespace last. Sizes of workloads,
HPAs and the objects of keda.sh stay as they are, unless --crds takes the kinds
away, and every object of them.

It needs nothing of Furl to be alive, and finishes what was begun another way,
such as by deleting the namespace.`,
		Example: `  # what would go?
  furl uninstall --dry-run

  furl uninstall

  # every ScaledObject, too
  furl uninstall --crds

  # in a hook of another tool: stop the operator, take the finalizers off, and nothing else
  furl uninstall --finalizers-only --stop furl`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return r.run(cmd.Context(), cmd.OutOrStdout()) },
	}
	f := cmd.Flags()
	r.addFlags(f)
	f.StringVarP(&r.farewell.Installation, "namespace", "n", deploy.DefaultNamespace, "namespace that Furl lives in")
	f.BoolVar(&r.farewell.Definitions, "crds", false, "take the kinds of keda.sh away too, with every object of them")
	f.BoolVar(&r.farewell.Dry, "dry-run", false, "say what would go, and change nothing")
	f.StringVar(&r.finalizers, "finalizers", string(install.PromisesOwn), "whose finalizers to take off objects of keda.sh: own, or all (where KEDA runs no more)")
	f.BoolVar(&r.only, "finalizers-only", false, "take finalizers off and nothing else")
	f.StringVar(&r.stop, "stop", "", "with --finalizers-only: Deployment in --namespace to stop first, or it puts them back")
	f.DurationVar(&r.farewell.Within, "timeout", installWithin, "how long each wait may take")
	return cmd
}

func (r *removal) run(ctx context.Context, out io.Writer) error {
	switch r.farewell.Promises = install.Promises(r.finalizers); {
	case r.farewell.Promises != install.PromisesOwn && r.farewell.Promises != install.PromisesAll:
		return &UsageError{fmt.Errorf("--finalizers: %q is unknown; want own or all", r.finalizers)}
	case r.stop != "" && !r.only:
		return &UsageError{fmt.Errorf("--stop=%s goes with --finalizers-only: otherwise Furl's own Deployment is deleted", r.stop)}
	case r.only && (r.farewell.Definitions || r.farewell.Dry):
		return &UsageError{fmt.Errorf("--finalizers-only goes with neither --crds nor --dry-run")}
	}
	cluster, err := r.connect(out)
	if err != nil {
		return err
	}
	if r.only {
		err = cluster.Release(ctx, r.farewell, r.stop)
	} else {
		err = cluster.Uninstall(ctx, r.farewell)
	}
	if err != nil {
		return fmt.Errorf("uninstall: %w", err)
	}
	return nil
}
