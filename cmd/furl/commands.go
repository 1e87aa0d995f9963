package main

import "github.com/spf13/cobra"

// commands are those that need the cluster's machinery wired.
func commands() []*cobra.Command { return []*cobra.Command{operatorCommand()} }
