package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/furl-dev/furl/cli/doctor"
	"github.com/spf13/cobra"
	"sigs.k8s.io/yaml"
)

// errUnwell is why the exit code says that something does not work.
var errUnwell = errors.New("something does not work: see the findings of severity error")

// checkup is one call of furl doctor, as its flags say.
type checkup struct {
	reach
	output     string
	kind, name string
}

func doctorCommand(t Terminal) *cobra.Command {
	d := new(checkup)
	cmd := &cobra.Command{
		Use:   "doctor [KIND/NAME]",
		Short: "Find why something does not scale, with the evidence and what to do",
		Long: `Find why something does not scale: metrics that are <unknown>, requests that are
missing, selectors that overlap, a source that refuses access, pods without a
node, pods that are slow to become ready, two owners of one workload, clocks
that differ, APIs that nobody serves, and what holds a size back.

Reads the cluster once, with your rights, and changes nothing. What you may not
read is said. The exit code is 1 when something does not work.`,
		Example: `  # the whole cluster
  furl doctor

  # one namespace, one object
  furl doctor -n shop
  furl doctor hpa/php-apache
  furl doctor so/worker -n shop
  furl doctor deploy/web

  # for a program
  furl doctor --output json`,
		Args:              func(_ *cobra.Command, args []string) error { return d.object(args) },
		ValidArgsFunction: d.complete,
		RunE: func(cmd *cobra.Command, _ []string) error {
			c, namespace, err := d.config()
			if err != nil {
				return err
			}
			scope := doctor.Scope{Namespace: d.overrides.Context.Namespace, Kind: d.kind, Name: d.name}
			if d.name != "" {
				scope.Namespace = namespace
			}
			s, err := doctor.Gather(cmd.Context(), doctor.Visit{Config: c, Scope: scope, System: d.system, Clock: t.Clock})
			if err != nil {
				return err
			}
			r := doctor.Examine(s)
			if err := d.write(cmd.OutOrStdout(), r); err != nil {
				return err
			}
			if r.Failed() {
				return errUnwell
			}
			return nil
		},
	}
	d.add(cmd.Flags(), "namespace; absent, all of them, and of an object the context's")
	cmd.Flags().StringVarP(&d.output, "output", "o", "text", "format: text, json or yaml")
	return cmd
}

// object takes nothing, KIND/NAME, or KIND and NAME.
func (d *checkup) object(args []string) error {
	if !slices.Contains([]string{"text", "json", "yaml"}, d.output) {
		return &UsageError{fmt.Errorf("--output: %q is unknown; want text, json or yaml", d.output)}
	}
	kind := ""
	switch len(args) {
	case 0:
		return nil
	case 1:
		kind, d.name, _ = strings.Cut(args[0], "/")
	case 2:
		kind, d.name = args[0], args[1]
	}
	if kind == "" || d.name == "" || strings.Contains(d.name, "/") {
		return &UsageError{fmt.Errorf("want one KIND/NAME, such as hpa/php-apache; got %q", strings.Join(args, " "))}
	}
	kind, _, _ = strings.Cut(strings.ToLower(kind), ".")
	switch kind {
	case "hpa", "horizontalpodautoscaler", "horizontalpodautoscalers":
		d.kind = "hpa"
	case "so", "scaledobject", "scaledobjects":
		d.kind = "so"
	case "sj", "scaledjob", "scaledjobs":
		d.kind = "sj"
	case "deploy", "deployment", "deployments":
		d.kind = "deploy"
	case "sts", "statefulset", "statefulsets":
		d.kind = "sts"
	default:
		return &UsageError{fmt.Errorf("kind %q is not one that the doctor knows; want hpa, so, sj, deploy or sts", kind)}
	}
	return nil
}

func (d *checkup) write(w io.Writer, r *doctor.Report) error {
	switch d.output {
	case "json":
		enc := json.NewEncoder(w)
		enc.SetIndent("", "  ")
		enc.SetEscapeHTML(false) // <unknown> is to be read
		return enc.Encode(r)
	case "yaml":
		b, err := yaml.Marshal(r)
		if err != nil {
			return err
		}
		_, err = w.Write(b)
		return err
	}
	_, err := io.WriteString(w, r.Text())
	return err
}
