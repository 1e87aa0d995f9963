package cli

import (
	"context"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/triggers/all"
	"github.com/spf13/cobra"
)

// completeWithin bounds what a shell waits for the cluster after a press of TAB.
const completeWithin = 3 * time.Second

// complete proposes KIND/NAME for one argument: kinds first, then the objects
// of that kind that Furl decides on.
func (a *access) complete(cmd *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	kind, _, named := strings.Cut(typed, "/")
	if !named {
		return beginning(typed, kindHPA+"/", kindScaledObject+"/"), cobra.ShellCompDirectiveNoSpace | cobra.ShellCompDirectiveNoFileComp
	}
	ctx, cancel := context.WithTimeout(cmd.Context(), completeWithin)
	defer cancel()
	names, err := a.decidedOn(ctx, kind)
	if err != nil { // nobody reads an error beside a line that he is typing
		cobra.CompDebugln(err.Error(), false)
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	for i := range names {
		names[i] = kind + "/" + names[i]
	}
	return beginning(typed, names...), cobra.ShellCompDirectiveNoFileComp
}

// decidedOn lists the names of the objects of a kind that Furl decides on.
func (a *access) decidedOn(ctx context.Context, kind string) ([]string, error) {
	short, known := shortKind(kind)
	if !known {
		return nil, nil
	}
	config, namespace, err := a.connect()
	if err != nil {
		return nil, err
	}
	client, err := decisionsClient(config)
	if err != nil {
		return nil, err
	}
	list := new(v1alpha1.DecisionList)
	if err := client.Get().Namespace(namespace).Resource("decisions").Do(ctx).Into(list); err != nil {
		return nil, err
	}
	var names []string
	for _, d := range list.Items {
		if name, is := strings.CutPrefix(d.Name, short+"."); is {
			names = append(names, name)
		}
	}
	return names, nil
}

// completeTrigger proposes the names of triggers.
func completeTrigger(_ *cobra.Command, args []string, typed string) ([]cobra.Completion, cobra.ShellCompDirective) {
	if len(args) > 0 {
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
	var names []string
	for _, k := range all.Kinds() {
		names = append(names, k.Name)
	}
	return beginning(typed, names...), cobra.ShellCompDirectiveNoFileComp
}

func beginning(typed string, words ...string) []cobra.Completion {
	var out []cobra.Completion
	for _, w := range words {
		if strings.HasPrefix(w, typed) {
			out = append(out, w)
		}
	}
	return out
}
