package cli

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// adopt is one call of furl adopt, as its flags say.
type adopt struct {
	access
	all, undo bool
	output    string
	patience  time.Duration
	name      string // of the HPA; empty with --all
}

func adoptCommand() *cobra.Command {
	a := &adopt{access: newAccess()}
	cmd := &cobra.Command{
		Use:   "adopt hpa/NAME",
		Short: "Turn a HorizontalPodAutoscaler into a ScaledObject that decides the same",
		Long: `Turn a HorizontalPodAutoscaler into a ScaledObject with the same bounds, metrics
and behavior, for clusters whose own HPA controller cannot be switched off. The
workload keeps its size, and never has two masters: the ScaledObject only watches
while the HPA is there, Furl must have shown that it can decide, and what hands
the workload over is the removal of the HPA. A call that was cut short is
completed by calling again.

An HPA whose meaning would change is refused, with the reason.`,
		Example: `  # take it over
  furl adopt hpa/php-apache

  # the same through Git: commit what this prints in place of the HPA
  furl adopt hpa/php-apache --output yaml

  # back to the HPA, exactly as it was
  furl adopt hpa/php-apache --undo

  # all of a namespace
  furl adopt --all -n shop`,
		Args: func(_ *cobra.Command, args []string) error { return a.object(args) },
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := a.begin(cmd)
			if err != nil {
				return err
			}
			return a.each(cmd.Context(), d)
		},
	}
	f := cmd.Flags()
	a.addFlags(f)
	f.BoolVar(&a.all, "all", false, "all HPAs of the namespace; with --undo, all that were adopted")
	f.BoolVar(&a.undo, "undo", false, "make the HPA again as it was, and remove the ScaledObject")
	f.StringVarP(&a.output, "output", "o", "", "yaml or json: print the ScaledObject and change nothing")
	f.DurationVar(&a.patience, "timeout", time.Minute, "how long Furl may take to show that it decides on a ScaledObject; then nothing is changed")
	return cmd
}

// object takes hpa/NAME, or hpa and NAME, or nothing with --all.
func (a *adopt) object(args []string) error {
	switch a.output {
	case "", outputYAML, outputJSON:
	default:
		return &UsageError{fmt.Errorf("--output: %q is unknown; want yaml or json", a.output)}
	}
	if a.undo && a.output != "" {
		return &UsageError{errors.New("--undo with --output: undo prints nothing; leave one of them out")}
	}
	given := strings.Join(args, "/")
	if a.all {
		if given != "" {
			return &UsageError{fmt.Errorf("--all with %q: leave one of them out", given)}
		}
		return nil
	}
	kind, name, _ := strings.Cut(given, "/")
	if short, known := shortKind(kind); !known || short != kindHPA || name == "" || strings.Contains(name, "/") {
		return &UsageError{fmt.Errorf("want one hpa/NAME, such as hpa/php-apache, or --all; got %q", strings.Join(args, " "))}
	}
	a.name = name
	return nil
}

const (
	outputYAML = "yaml"
	outputJSON = "json"
)

// each does what was asked, for one HPA or for all. One that is refused leaves the others alone.
func (a *adopt) each(ctx context.Context, d *adoption) error {
	names, err := a.names(ctx, d)
	if err != nil {
		return err
	}
	if len(names) == 0 {
		fmt.Fprintf(d.err, "furl: namespace %s has no %s\n", d.namespace, map[bool]string{false: "HPA", true: "ScaledObject that was an HPA"}[a.undo])
	}
	var refused []error
	for _, name := range names {
		do := d.take
		switch {
		case a.undo:
			do = d.undo
		case a.output != "":
			do = d.show
		}
		if err := do(ctx, name); err != nil {
			refused = append(refused, err)
		}
	}
	return errors.Join(refused...)
}

func (a *adopt) names(ctx context.Context, d *adoption) ([]string, error) {
	switch {
	case !a.all:
		return []string{a.name}, nil
	case a.undo:
		return d.adopted(ctx)
	default:
		return d.hpas(ctx)
	}
}
