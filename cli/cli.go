// Package cli is what users type: the commands of furl, their flags, their
// help and their exit codes.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/spf13/cobra"
)

// Exit codes of every command.
const (
	ExitOK     = 0
	ExitFailed = 1 // it was tried and did not come out, such as an expectation that does not hold
	ExitUsage  = 2 // it was not tried: flags or input cannot be used
)

// Terminal is where a command reads and writes, and how it finds other programs.
type Terminal struct {
	In       io.Reader
	Out, Err io.Writer
	// Exec replaces the process with another program.
	Exec func(path string, args []string) error
	// LookPath finds a program beside furl or in PATH.
	LookPath func(name string) (string, error)
	// Clock tells how old something is.
	Clock func() time.Time
}

// New returns the furl command; more are added to it by whoever wires them.
func New(t Terminal) *cobra.Command {
	root := &cobra.Command{
		Use:   "furl",
		Short: "Unfurl under load, furl to zero: all of Kubernetes pod autoscaling in one program",
		Long: `Furl does all of Kubernetes pod autoscaling in one program, and says why.

Try it without a cluster:
  furl eval -f hpa.yaml -f observation.yaml    what an HPA would do, step by step
  furl lab up                                  a real control plane on this machine

Run it:
  furl install                                 put it into a cluster
  furl operator --kubeconfig ~/.kube/config    scale the workloads of a cluster from outside

Ask it:
  furl explain hpa/php-apache                  why this many?
  furl triggers                                what can be scaled on?

Bring it in:
  furl shadow                                  what would Furl do beside what scales now?
  furl adopt hpa/php-apache                    hand an HPA over, or back`,
		Args:          noCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.SetIn(t.In)
	root.SetOut(t.Out)
	root.SetErr(t.Err)
	root.SuggestionsMinimumDistance = 2
	root.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		return &UsageError{fmt.Errorf("%w; see %s --help", err, cmd.CommandPath())}
	})
	root.AddCommand(
		adoptCommand(), doctorCommand(t), evalCommand(), explainCommand(t), freezeCommand(t), installCommand(), labCommand(t),
		shadowCommand(t), triggersCommand(), unfreezeCommand(t), uninstallCommand(), versionCommand(),
	)
	return root
}

// Run executes a command and returns the exit code.
func Run(ctx context.Context, root *cobra.Command) int {
	err := root.ExecuteContext(ctx)
	if err == nil {
		return ExitOK
	}
	fmt.Fprintf(root.ErrOrStderr(), "%s: %v\n", root.DisplayName(), err)
	if u := (*UsageError)(nil); errors.As(err, &u) {
		return ExitUsage
	}
	return ExitFailed
}

// noCommand refuses what is not a command, and proposes the nearest one.
func noCommand(root *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	if near := root.SuggestionsFor(args[0]); len(near) > 0 {
		return &UsageError{fmt.Errorf("unknown command %q; did you mean %s?", args[0], near[0])}
	}
	return &UsageError{fmt.Errorf("unknown command %q; see %s --help", args[0], root.DisplayName())}
}

// UsageError is an error of the call: flags or input cannot be used.
type UsageError struct{ Err error }

func (u *UsageError) Error() string { return u.Err.Error() }

// Unwrap returns what is wrong.
func (u *UsageError) Unwrap() error { return u.Err }

// LogFlags are the flags of a command that logs.
type LogFlags struct{ Level, Format string }

// Add declares --log-level and --log-format.
func (l *LogFlags) Add(cmd *cobra.Command) {
	cmd.Flags().StringVar(&l.Level, "log-level", "info", "least level to log: debug, info, warn or error")
	cmd.Flags().StringVar(&l.Format, "log-format", "text", "format of log lines: text or json")
}

// Logger returns the logger that the flags ask for.
func (l *LogFlags) Logger(w io.Writer) (*slog.Logger, error) {
	var level slog.Level
	if err := level.UnmarshalText([]byte(l.Level)); err != nil {
		return nil, &UsageError{fmt.Errorf("--log-level: %q is unknown; want debug, info, warn or error", l.Level)}
	}
	o := &slog.HandlerOptions{Level: level}
	switch l.Format {
	case "text":
		return slog.New(slog.NewTextHandler(w, o)), nil
	case "json":
		return slog.New(slog.NewJSONHandler(w, o)), nil
	default:
		return nil, &UsageError{fmt.Errorf("--log-format: %q is unknown; want text or json", l.Format)}
	}
}
