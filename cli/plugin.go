package cli

import (
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// The names by which kubectl finds plugins and what completes them.
const (
	pluginProgram     = "kubectl-furl"
	completionProgram = "kubectl_complete-furl"
	pluginName        = "kubectl furl"
)

// CalledAs has the finished command be what the name in args[0] says: furl
// itself, the plugin of kubectl, whose help then says "kubectl furl", or what
// kubectl asks to complete a line of the plugin.
func CalledAs(root *cobra.Command, args []string) {
	if len(args) == 0 {
		return
	}
	switch strings.TrimSuffix(filepath.Base(args[0]), ".exe") {
	case pluginProgram:
		asPlugin(root)
	case completionProgram:
		asPlugin(root)
		root.SetArgs(append([]string{cobra.ShellCompRequestCmd}, args[1:]...))
	}
}

// asPlugin has every text of help name the commands as a user of the plugin types them.
func asPlugin(root *cobra.Command) {
	root.Annotations = map[string]string{cobra.CommandDisplayNameAnnotation: pluginName}
	root.CompletionOptions.DisableDefaultCmd = true // kubectl's own scripts complete plugins
	// Prose that speaks of the operator means the one in the cluster, which nobody types.
	operator := []string{"furl operator --", pluginName + " operator --", "furl operator", "furl operator"}
	pairs := slices.Grow(operator, 4*len(root.Commands()))
	for _, c := range root.Commands() {
		name := root.Name() + " " + c.Name()
		pairs = append(pairs, "kubectl "+name, "kubectl "+name, name, "kubectl "+name)
	}
	retell(root, strings.NewReplacer(pairs...))
}

func retell(c *cobra.Command, words *strings.Replacer) {
	c.Short, c.Long, c.Example = words.Replace(c.Short), words.Replace(c.Long), words.Replace(c.Example)
	c.Flags().VisitAll(func(f *pflag.Flag) { f.Usage = words.Replace(f.Usage) })
	for _, sub := range c.Commands() {
		retell(sub, words)
	}
}
