package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/page"
	"github.com/furl-dev/furl/triggers/all"
	"github.com/spf13/cobra"
)

func explainTriggerCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "trigger NAME",
		Short: "Say what a trigger measures, and what settings it has",
		Long: `Say what a trigger measures, what settings it has and where each may come from,
and which tests have shown that it works. Asks no cluster.`,
		Example: `  furl explain trigger aws-sqs-queue

  # for an editor
  furl explain trigger aws-sqs-queue --output schema > aws-sqs-queue.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return &UsageError{fmt.Errorf("want one NAME of those that furl triggers lists; got %q", strings.Join(args, " "))}
			}
			return nil
		},
		ValidArgsFunction: completeTrigger,
		RunE: func(cmd *cobra.Command, args []string) error {
			k, err := findTrigger(args[0])
			if err != nil {
				return err
			}
			return explainTrigger(cmd.OutOrStdout(), k, output)
		},
	}
	cmd.Flags().StringVarP(&output, "output", "o", "text", "format: text, json, schema or markdown")
	return cmd
}

func findTrigger(name string) (trigger.Kind, error) {
	if k, ok := all.Find(name); ok {
		return k, nil
	}
	kinds := all.Kinds()
	names := make([]string, len(kinds))
	for i, k := range kinds {
		names[i] = k.Name
	}
	if near := trigger.Nearest(name, names); near != "" {
		return trigger.Kind{}, &UsageError{fmt.Errorf("there is no trigger %q; did you mean %s?", name, near)}
	}
	return trigger.Kind{}, &UsageError{fmt.Errorf("there is no trigger %q; furl triggers lists them", name)}
}

func explainTrigger(w io.Writer, k trigger.Kind, output string) error {
	switch output {
	case "text":
		return describeTrigger(w, k)
	case "markdown":
		_, err := io.WriteString(w, page.Markdown(k))
		return err
	case "schema":
		text, err := page.Schema(k)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", text)
		return err
	case "json":
		return writeJSON(w, struct {
			Name     string           `json:"name"`
			Summary  string           `json:"summary"`
			Resource bool             `json:"resource,omitempty"`
			AnyKey   bool             `json:"anyKey,omitempty"`
			Fields   []trigger.Field  `json:"fields"`
			Evidence []evidence.Proof `json:"evidence"`
		}{k.Name, k.Summary, k.Resource, k.AnyKey, k.Fields, append([]evidence.Proof{}, evidence.Of(k.Name)...)})
	}
	return &UsageError{fmt.Errorf("--output: %q is unknown; want text, json, schema or markdown", output)}
}

func describeTrigger(w io.Writer, k trigger.Kind) error {
	fmt.Fprintf(w, "%s\n%s\n\n%s\n", k.Name, k.Summary, page.Example(k))
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "SETTING\tTYPE\tDEFAULT\tFROM\tMEANING")
	for _, f := range k.Fields {
		value := f.Default
		if f.Required {
			value = "required"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\n", f.Name, f.Type, value, page.From(f), page.Meaning(f))
	}
	if err := t.Flush(); err != nil {
		return err
	}
	if k.AnyKey {
		fmt.Fprintln(w, "\nEvery other key of the metadata is handed on.")
	}
	if slices.ContainsFunc(k.Fields, func(f trigger.Field) bool { return slices.Contains(f.From, "env") }) {
		fmt.Fprintln(w, "\nenv: a variable of the scaled container, KEYFromEnv: VARIABLE")
	}
	fmt.Fprintf(w, "\nShown by:\n")
	for _, p := range evidence.Of(k.Name) {
		fmt.Fprintf(w, "  %s: %s in %s\n", p.Level, p.Test, p.Package)
	}
	if evidence.Best(k.Name) == evidence.None {
		fmt.Fprintln(w, "  no suite has read it yet")
	}
	return nil
}
