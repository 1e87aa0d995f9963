package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/triggers/all"
	"github.com/spf13/cobra"
)

// The table of evidence first: the pages print it.
//
//go:generate go run -C ../tools ./evidence -out ../trigger/evidence/zz_generated.table.go ..=./triggers/... ..=./operator/scaledobject ../lab=./sqs/...
//go:generate go test -run ^TestTriggerPages$ . -update

func triggersCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "triggers",
		Short: "List the triggers, and what has shown that each works",
		Long: `List the triggers that this program has, and how near to the real thing the
tests came that have read each of them:

` + levels() + `
The list is collected from tests that passed. furl explain trigger NAME says
which, and what settings a trigger has.`,
		Example: `  furl triggers
  furl triggers --output json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch output {
			case "text":
				return listTriggers(cmd.OutOrStdout())
			case "json":
				return writeJSON(cmd.OutOrStdout(), triggerList())
			}
			return &UsageError{fmt.Errorf("--output: %q is unknown; want text or json", output)}
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "format: text or json")
	return cmd
}

func levels() string {
	meaning := map[evidence.Level]string{
		evidence.Real:     "the server itself was started and asked",
		evidence.Emulator: "another implementation of the whole protocol",
		evidence.Recorded: "answers in the shape that the vendor documents",
		evidence.Stub:     "a stand-in, such as for a cluster",
		evidence.Alone:    "there is no server",
		evidence.None:     "no suite has read it yet",
	}
	var b strings.Builder
	for _, l := range evidence.Levels() {
		fmt.Fprintf(&b, "  %-16s%s\n", l, meaning[l])
	}
	return b.String()
}

// listed is a trigger as furl triggers shows it.
type listed struct {
	Name     string         `json:"name"`
	Evidence evidence.Level `json:"evidence"`
	Summary  string         `json:"summary"`
}

func triggerList() []listed {
	kinds := all.Kinds()
	out := make([]listed, len(kinds))
	for i, k := range kinds {
		out[i] = listed{k.Name, evidence.Best(k.Name), k.Summary}
	}
	return out
}

func listTriggers(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 3, ' ', 0)
	fmt.Fprintln(t, "NAME\tEVIDENCE\tSUMMARY")
	for _, l := range triggerList() {
		fmt.Fprintf(t, "%s\t%s\t%s\n", l.Name, l.Evidence, l.Summary)
	}
	return t.Flush()
}

func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(v)
}
