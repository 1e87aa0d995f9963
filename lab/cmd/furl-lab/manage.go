package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"text/tabwriter"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/spf13/cobra"
)

func downCommand(at *location) *cobra.Command {
	var keep bool
	c := &cobra.Command{
		Use:   "down",
		Short: "End the lab and delete everything it made",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			end := cluster.Down
			if keep {
				end = cluster.Stop
			}
			err = end(cmd.Context(), dir)
			switch {
			case errors.Is(err, cluster.ErrNotUp):
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "No lab is there.")
			case err == nil && keep:
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "Nothing runs any more; the lab is kept in", dir)
			case err == nil:
				_, err = fmt.Fprintln(cmd.OutOrStdout(), "Nothing is left.")
			}
			return err
		},
	}
	c.Flags().BoolVar(&keep, "keep", false, "keep the folder: the next up goes on with its objects")
	return c
}

func statusCommand(at *location) *cobra.Command {
	var output string
	c := &cobra.Command{
		Use:   "status",
		Short: "Say what runs, where, and what it takes",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			s, err := cluster.Look(cmd.Context(), dir, time.Now())
			if err != nil {
				return err
			}
			switch output {
			case "json":
				e := json.NewEncoder(cmd.OutOrStdout())
				e.SetIndent("", "  ")
				return e.Encode(s)
			case "":
				return printStatus(cmd.OutOrStdout(), s)
			}
			return fmt.Errorf("--output=%s: only json is known", output)
		},
	}
	c.Flags().StringVarP(&output, "output", "o", "", "json for machines")
	return c
}

func printStatus(w io.Writer, s cluster.Status) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	row := func(name string, value any) { _, _ = fmt.Fprintf(t, "%s\t%v\n", name, value) }
	row("lab", s.Name)
	row("phase", s.Phase)
	if s.Problem != "" {
		row("problem", s.Problem)
	}
	row("folder", s.Dir)
	if s.Server != "" {
		row("up for", time.Duration(s.UptimeSeconds)*time.Second)
		row("API server", s.Server)
		row("kubeconfig", s.Kubeconfig)
		row("ports", fmt.Sprintf("API %d, etcd %d and %d, operator %d, its metrics %d", s.Ports.API, s.Ports.Etcd, s.Ports.Peer, s.Ports.Operator, s.Ports.Metrics))
		row("queues", s.Ports.QueueService()+" (furl lab sqs)")
	}
	census := func(what string, c *cluster.Census) {
		if c != nil {
			row(what, fmt.Sprintf("%d, %d ready, %d simulated", c.Total, c.Ready, c.Simulated))
		}
	}
	census("nodes", s.Nodes)
	census("pods", s.Pods)
	for _, p := range s.Processes {
		if !p.Running {
			row(p.Name, fmt.Sprintf("process %d, gone", p.PID))
			continue
		}
		const mib = 1 << 20
		row(p.Name, fmt.Sprintf("process %d, %d MiB (%d MiB its own)", p.PID, p.ResidentBytes/mib, p.AnonymousBytes/mib))
	}
	return t.Flush()
}

func kubeconfigCommand(at *location) *cobra.Command {
	var raw bool
	c := &cobra.Command{
		Use:     "kubeconfig",
		Short:   "Print the path of the lab's kubeconfig",
		Example: `  export KUBECONFIG="$(furl lab kubeconfig)"`,
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			dir, err := at.folder()
			if err != nil {
				return err
			}
			path, err := cluster.KubeconfigPath(dir)
			if err != nil {
				return err
			}
			if !raw {
				_, err = fmt.Fprintln(cmd.OutOrStdout(), path)
				return err
			}
			content, err := os.ReadFile(path) //nolint:gosec // the lab's own file
			if err != nil {
				return fmt.Errorf("read the lab's kubeconfig: %w", err)
			}
			_, err = cmd.OutOrStdout().Write(content)
			return err
		},
	}
	c.Flags().BoolVar(&raw, "raw", false, "print the content; it holds the administrator's key")
	return c
}
