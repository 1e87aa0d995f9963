package cli

import (
	"fmt"

	"github.com/spf13/cobra"
)

// labProgram is the lab's own program: it links a whole control plane, which
// the operator must not.
const labProgram = "furl-lab"

func labCommand(t Terminal) *cobra.Command {
	return &cobra.Command{
		Use:   "lab COMMAND",
		Short: "A real control plane on this machine, with pods as processes",
		Long: `Hand over to furl-lab: a real kube-apiserver, scheduler and controllers in one
process, and nodes that run pods as local processes. Nothing is downloaded,
neither docker nor root is needed.`,
		Example: `  furl lab up
  export KUBECONFIG=$(furl lab kubeconfig)
  furl lab down`,
		DisableFlagParsing: true,
		RunE: func(_ *cobra.Command, args []string) error {
			path, err := t.LookPath(labProgram)
			if err != nil {
				return fmt.Errorf("%s is neither beside furl nor in PATH (%w); build it with: make build", labProgram, err)
			}
			if err := t.Exec(path, append([]string{labProgram}, args...)); err != nil {
				return fmt.Errorf("run %s: %w", path, err)
			}
			return nil
		},
	}
}
