package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/plane"
	"github.com/furl-dev/furl/lab/plane/setting"
	"github.com/spf13/cobra"
)

// planeCommand is the control plane's process. It ends when its supervisor does: standard input is a pipe that the
// supervisor holds and never writes to.
func planeCommand() *cobra.Command {
	return &cobra.Command{
		Use: cluster.PlaneRole + " CONFIG", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			c, err := setting.Read(args[0])
			if err != nil {
				return err
			}
			ctx, cancel := context.WithCancelCause(cmd.Context())
			go func() {
				_, _ = io.Copy(io.Discard, os.Stdin)
				cancel(errors.New("the supervisor is gone"))
			}()
			return plane.Run(ctx, c)
		},
	}
}

// superviseCommand is the supervisor's process, in the background. It tells the one who waits for it by a pipe.
func superviseCommand() *cobra.Command {
	return &cobra.Command{
		Use: cluster.SuperviseRole + " OPTIONS", Hidden: true, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return cluster.SuperviseFor(cmd.Context(), args[0], os.NewFile(cluster.TellFD, "waiting"))
		},
	}
}

func absolute(path string) (string, error) {
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("folder of the lab %q: %w", path, err)
	}
	return abs, nil
}
