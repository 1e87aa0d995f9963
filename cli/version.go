package cli

import (
	"fmt"
	"runtime"

	"github.com/furl-dev/furl/internal/version"
	"github.com/spf13/cobra"
)

// kubernetesRelease is the release whose behaviour Furl has.
const kubernetesRelease = "1.37"

func versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version of furl",
		Args:  noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "furl %s (Kubernetes %s semantics, %s, %s/%s)\n",
				version.String(), kubernetesRelease, runtime.Version(), runtime.GOOS, runtime.GOARCH)
			return err
		},
	}
}
