// Command furl-lab runs a real Kubernetes cluster in a folder: no container engine, no download, no root, nothing left behind.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := command().ExecuteContext(ctx)
	stop()
	switch {
	case err == nil:
	case errors.Is(err, context.Canceled):
		os.Exit(130)
	default:
		fmt.Fprintln(os.Stderr, "furl lab:", err)
		os.Exit(1)
	}
}

func command() *cobra.Command {
	root := &cobra.Command{
		Use:           "furl-lab",
		Short:         "A real Kubernetes cluster in a folder, to try and to test autoscaling",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: "furl lab"} // as it is typed
	root.CompletionOptions.DisableDefaultCmd = true
	at := &location{}
	root.PersistentFlags().StringVar(&at.name, "name", "default", "name of the lab; several run side by side")
	root.PersistentFlags().StringVar(&at.dir, "dir", "", "folder of the lab (default: furl/lab/NAME in the user's cache folder)")
	if f := pflag.Lookup("version"); f != nil {
		f.Hidden = true // Kubernetes's own, which every program that links it gets
	}
	root.AddCommand(upCommand(at), downCommand(at), statusCommand(at), kubeconfigCommand(at), demoCommand(at), latencyCommand(at), benchCommand(at), sqsCommand(at), superviseCommand(), planeCommand())
	return root
}

// location says which lab is meant.
type location struct{ name, dir string }

func (l *location) folder() (string, error) {
	if l.dir == "" {
		return cluster.DefaultDir(l.name)
	}
	return absolute(l.dir)
}
