package cli

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
)

// explainTimeout bounds every call of the cluster.
const explainTimeout = 15 * time.Second

// explain is one call of furl explain, as its flags say.
type explain struct {
	access
	history    bool
	limit      int64
	output     string
	kind, name string
}

func explainCommand(t Terminal) *cobra.Command {
	e := &explain{access: newAccess()}
	cmd := &cobra.Command{
		Use:   "explain KIND/NAME",
		Short: "Say why a workload has the size that it has",
		Long: `Say why a workload has the size that it has: the latest decision, each rule that
spoke with its numbers, what was measured, and when the answer may change.

Asks the cluster's decisions.furl.dev API, which furl operator serves. The same
is there for kubectl: kubectl get decisions.`,
		Example: `  # why this many?
  furl explain hpa/php-apache

  # what happened this afternoon?
  furl explain hpa/php-apache -n shop --history

  # of a ScaledObject: what do its triggers say, is it active?
  furl explain scaledobject/worker

  # for a program
  furl explain hpa/php-apache --output json`,
		Args:              func(_ *cobra.Command, args []string) error { return e.object(args) },
		ValidArgsFunction: e.complete,
		RunE: func(cmd *cobra.Command, _ []string) error {
			d, err := e.read(cmd.Context())
			if err != nil {
				return err
			}
			return e.write(cmd.OutOrStdout(), d, t.Clock())
		},
	}
	f := cmd.Flags()
	e.addFlags(f)
	f.BoolVar(&e.history, "history", false, "list earlier decisions, the newest first")
	f.Int64Var(&e.limit, "limit", 20, "most decisions to list with --history, 0 for all")
	f.StringVarP(&e.output, "output", "o", "text", "format: text, wide, json or yaml")
	cmd.AddCommand(explainTriggerCommand())
	return cmd
}

// object takes KIND/NAME, or KIND and NAME, and knows the kind's names.
func (e *explain) object(args []string) error {
	switch len(args) {
	case 1:
		e.kind, e.name, _ = strings.Cut(args[0], "/")
	case 2:
		e.kind, e.name = args[0], args[1]
	}
	if e.kind == "" || e.name == "" || strings.Contains(e.name, "/") {
		return &UsageError{fmt.Errorf("want one KIND/NAME, such as hpa/php-apache; got %q", strings.Join(args, " "))}
	}
	if !slices.Contains([]string{"text", "wide", "json", "yaml"}, e.output) {
		return &UsageError{fmt.Errorf("--output: %q is unknown; want text, wide, json or yaml", e.output)}
	}
	short, known := shortKind(e.kind)
	if !known {
		return &UsageError{fmt.Errorf("kind %q is not one that Furl decides on; want hpa or scaledobject", e.kind)}
	}
	e.kind = short
	return nil
}

// shortKind is the name of a kind in records, from any that kubectl takes.
func shortKind(kind string) (short string, known bool) {
	switch kind, _, _ := strings.Cut(strings.ToLower(kind), "."); kind {
	case kindHPA, "horizontalpodautoscaler", "horizontalpodautoscalers":
		return kindHPA, true
	case "so", kindScaledObject, "scaledobjects":
		return kindScaledObject, true
	default:
		return "", false
	}
}

// The kinds that are decided on, as records name them.
const (
	kindHPA          = "hpa"
	kindScaledObject = "scaledobject"
)

// read asks the cluster for the decision.
func (e *explain) read(ctx context.Context) (*v1alpha1.Decision, error) {
	c, namespace, err := e.connect()
	if err != nil {
		return nil, err
	}
	client, err := decisionsClient(c)
	if err != nil {
		return nil, err
	}
	r := client.Get().Namespace(namespace).Resource("decisions").Name(e.kind + "." + e.name)
	if e.history {
		r = r.SubResource("history").Param("limit", fmt.Sprint(e.limit))
	}
	d := new(v1alpha1.Decision)
	if err := r.Do(ctx).Into(d); err != nil {
		return nil, e.why(namespace, err)
	}
	return d, nil
}

func decisionsClient(c *rest.Config) (*rest.RESTClient, error) {
	return groupClient(c, v1alpha1.GroupVersion(), v1alpha1.AddToScheme)
}

// why turns the API server's answer into what to do about it.
func (e *explain) why(namespace string, err error) error {
	object := e.kind + "/" + e.name
	switch {
	case apierrors.IsNotFound(err) && ofDecisions(err):
		return fmt.Errorf("no decision about %s in namespace %s: Furl has not decided on it yet, or somebody else serves it; see kubectl describe %s %s -n %s",
			object, namespace, e.kind, e.name, namespace)
	case apierrors.IsNotFound(err), apierrors.IsServiceUnavailable(err):
		return fmt.Errorf("%s is not served by this cluster: is furl operator running? See kubectl get apiservice v1alpha1.%s (%w)",
			v1alpha1.GroupName, v1alpha1.GroupName, err)
	case apierrors.IsForbidden(err), apierrors.IsUnauthorized(err):
		return fmt.Errorf("you may not read decisions.%s in namespace %s: %w", v1alpha1.GroupName, namespace, err)
	default:
		return fmt.Errorf("decision about %s: %w", object, err)
	}
}

// ofDecisions says that it is the decision that was not found, and not the
// API: an API server without it answers with a page and not with a status.
func ofDecisions(err error) bool {
	var s apierrors.APIStatus
	if !errors.As(err, &s) || s.Status().Details == nil {
		return false
	}
	return !slices.ContainsFunc(s.Status().Details.Causes, func(c metav1.StatusCause) bool {
		return c.Type == metav1.CauseTypeUnexpectedServerResponse
	})
}
