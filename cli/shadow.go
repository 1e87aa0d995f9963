package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/furl-dev/furl/api"
	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/spf13/cobra"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// shadow is one call of furl shadow, as its flags say.
type shadow struct {
	access
	everywhere bool
	span       time.Duration
	output     string
	kind, name string // empty for all objects
}

func shadowCommand(t Terminal) *cobra.Command {
	s := &shadow{access: newAccess()}
	cmd := &cobra.Command{
		Use:   "shadow [KIND/NAME]",
		Short: "Compare what Furl would have done with what the owner of a workload did",
		Long: `Compare what Furl would have done with what the owner of a workload did: for each
object in observe mode every change of size that either of them wanted, who was
first, and the rule that explains the difference.

Reads Furl's decisions; what the owner did is in the sizes that they began from.
An object is in observe mode by the annotation furl.dev/mode: observe, and all
are where the operator runs with --mode=observe.`,
		Example: `  # try Furl beside the HPA controller that scales
  kubectl annotate hpa php-apache furl.dev/mode=observe
  furl shadow hpa/php-apache

  # the last half hour of all that is observed
  furl shadow --all-namespaces --for 30m`,
		Args:              func(_ *cobra.Command, args []string) error { return s.object(args) },
		ValidArgsFunction: s.complete,
		RunE: func(cmd *cobra.Command, _ []string) error {
			seen, err := s.read(cmd.Context(), t.Clock())
			if err != nil {
				return err
			}
			return writeShadows(cmd.OutOrStdout(), s.output, seen)
		},
	}
	f := cmd.Flags()
	s.addFlags(f)
	f.BoolVarP(&s.everywhere, "all-namespaces", "A", false, "objects of all namespaces")
	f.DurationVar(&s.span, "for", 0, "how far to look back, such as 30m; absent, as far as Furl remembers")
	f.StringVarP(&s.output, "output", "o", "text", "format: text, json or yaml")
	return cmd
}

func (s *shadow) object(args []string) error {
	switch s.output {
	case "text", outputJSON, outputYAML:
	default:
		return &UsageError{fmt.Errorf("--output: %q is unknown; want text, json or yaml", s.output)}
	}
	if s.span < 0 {
		return &UsageError{fmt.Errorf("--for: %s is in the future; want a time back from now, such as 30m", s.span)}
	}
	if len(args) == 0 {
		return nil
	}
	if s.everywhere {
		return &UsageError{fmt.Errorf("--all-namespaces with %q: leave one of them out", strings.Join(args, " "))}
	}
	kind, name, _ := strings.Cut(strings.Join(args, "/"), "/")
	short, known := shortKind(kind)
	if !known || name == "" || strings.Contains(name, "/") {
		return &UsageError{fmt.Errorf("want one KIND/NAME, such as hpa/php-apache; got %q", strings.Join(args, " "))}
	}
	s.kind, s.name = short, name
	return nil
}

// read compares the objects that were asked for.
func (s *shadow) read(ctx context.Context, now time.Time) ([]compared, error) {
	config, namespace, err := s.connect()
	if err != nil {
		return nil, err
	}
	c, err := newCluster(config, namespace)
	if err != nil {
		return nil, err
	}
	if s.name != "" {
		one, err := s.compare(ctx, c, c.namespace, s.kind+"."+s.name, now)
		if err == nil && len(one.observed) == 0 {
			err = s.unobserved(c.namespace, s.kind+"/"+s.name)
		}
		return []compared{one}, err
	}
	return s.readAll(ctx, c, now)
}

// readAll compares all objects that are observed.
func (s *shadow) readAll(ctx context.Context, c *cluster, now time.Time) (out []compared, err error) {
	r := c.decisions.Get().Resource("decisions")
	where := "the cluster"
	if !s.everywhere {
		r, where = r.Namespace(c.namespace), "namespace "+c.namespace
	}
	list := new(decisions.DecisionList)
	if err := r.Do(ctx).Into(list); err != nil {
		return nil, why("decisions", c.namespace, err)
	}
	for i := range list.Items {
		d := &list.Items[i]
		one, err := s.compare(ctx, c, d.Namespace, d.Name, now)
		switch {
		case apierrors.IsNotFound(err): // it went meanwhile
		case err != nil:
			return nil, err
		case len(one.observed) > 0:
			out = append(out, one)
		}
	}
	if len(out) == 0 {
		return nil, fmt.Errorf("nothing in %s is observed: Furl decides on %d objects there, and scales those itself; "+
			"annotate one with %s=%s, or run the operator with --mode=%s", where, len(list.Items), api.AnnotationMode, api.ModeObserve, api.ModeObserve)
	}
	return out, nil
}

// compare reads the history of one object and, of an HPA, what its owner says.
func (s *shadow) compare(ctx context.Context, c *cluster, namespace, name string, now time.Time) (compared, error) {
	r := c.decisions.Get().Namespace(namespace).Resource("decisions").Name(name).SubResource("history").Param("limit", "0")
	if s.span > 0 {
		r = r.Param("since", now.Add(-s.span).UTC().Format(time.RFC3339Nano))
	}
	d := new(decisions.Decision)
	if err := r.Do(ctx).Into(d); err != nil {
		return compared{}, why(strings.Replace(name, ".", "/", 1), namespace, err)
	}
	out := compared{Namespace: namespace, Object: d.Object, observed: watched(d.History), now: now}
	out.Owner, out.says = s.owner(ctx, c, namespace, d.Object)
	out.moves()
	return out, nil
}

// owner is who scales an object that Furl only watches, and what it says about
// the size it holds; what cannot be read is left out.
func (*shadow) owner(ctx context.Context, c *cluster, namespace, object string) (who, says string) {
	kind, name, _ := strings.Cut(object, "/")
	if kind == kindScaledObject {
		so := *c
		so.namespace = namespace
		o, err := so.object(ctx, name)
		if err != nil || o.Status.HpaName == "" {
			return "", ""
		}
		name = o.Status.HpaName
	}
	h, err := c.clients.Core.AutoscalingV2().HorizontalPodAutoscalers(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return "", ""
	}
	return statusWriter(h.ManagedFields), limits(h.Status.Conditions)
}

// unobserved says how to have an object observed.
func (s *shadow) unobserved(namespace, object string) error {
	span := "in what Furl remembers"
	if s.span > 0 {
		span = "in the last " + s.span.String()
	}
	kind, name, _ := strings.Cut(object, "/")
	return fmt.Errorf("%s in namespace %s was not observed %s: Furl scales it itself; to watch only: kubectl annotate %s %s -n %s %s=%s",
		object, namespace, span, kind, name, namespace, api.AnnotationMode, api.ModeObserve)
}

// why turns the API server's answer about decisions into what to do about it.
func why(object, namespace string, err error) error {
	kind, name, _ := strings.Cut(object, "/")
	told := (&explain{kind: kind, name: cmp.Or(name, "-")}).why(namespace, err)
	if errors.Is(told, err) {
		return told
	}
	return fmt.Errorf("%w (%w)", told, err)
}
