package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/operator/freeze"
	"github.com/spf13/cobra"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// freezing is one call of furl freeze or furl unfreeze, as its flags say.
type freezing struct {
	reach
	lasts   time.Duration
	reason  string
	replace bool

	client kubernetes.Interface
	own    string // Furl's namespace
	at     string // where the order stands
}

func freezeCommand(t Terminal) *cobra.Command {
	z := new(freezing)
	cmd := &cobra.Command{
		Use:   "freeze",
		Short: "Stop all writes of sizes at once",
		Long: `Stop all writes of sizes at once, of the whole cluster or, with -n, of one
namespace. Furl goes on to measure, to decide and to say what it would do; it
writes no size, from zero to one neither, until furl unfreeze or until the time
of --for is over. Then it decides anew.

The order is the ConfigMap furl-freeze: in Furl's namespace for the cluster, in
any other for that namespace. Whoever may write one there may freeze.`,
		Example: `  # nothing moves during the release
  furl freeze --for 2h --reason "release 4.2"

  # one namespace
  furl freeze -n shop

  # who has frozen what?
  kubectl get configmaps -A --field-selector metadata.name=furl-freeze -o yaml`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if z.lasts < 0 || cmd.Flags().Changed("for") && z.lasts == 0 {
				return &UsageError{fmt.Errorf("--for is %s: give more than 0, or leave it out to freeze until furl unfreeze", z.lasts)}
			}
			if err := z.connect(cmd.Context()); err != nil {
				return err
			}
			return z.freeze(cmd.Context(), cmd.OutOrStdout(), t.Clock())
		},
	}
	z.add(cmd.Flags(), "freeze this namespace only; absent, the whole cluster")
	cmd.Flags().DurationVar(&z.lasts, "for", 0, "time after which the freeze ends by itself, such as 2h; absent, it lasts until furl unfreeze")
	cmd.Flags().StringVar(&z.reason, "reason", "", "why, for everybody to read")
	cmd.Flags().BoolVar(&z.replace, "replace", false, "replace a freeze that lasts longer than this one")
	return cmd
}

func unfreezeCommand(t Terminal) *cobra.Command {
	z := new(freezing)
	cmd := &cobra.Command{
		Use:   "unfreeze",
		Short: "Resume the writes of sizes that furl freeze stopped",
		Long: `Resume the writes of sizes that furl freeze stopped, of the whole cluster or,
with -n, of one namespace. Each workload is decided on anew, with what is
measured by then. Namespaces that were frozen one by one stay frozen.`,
		Args: noArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := z.connect(cmd.Context()); err != nil {
				return err
			}
			return z.unfreeze(cmd.Context(), cmd.OutOrStdout(), t.Clock())
		},
	}
	z.add(cmd.Flags(), "resume this namespace only; absent, the whole cluster")
	return cmd
}

// connect finds the cluster and where the order stands. The namespace of the
// context does not count: who means one says so.
func (z *freezing) connect(ctx context.Context) error {
	c, _, err := z.config()
	if err != nil {
		return err
	}
	if z.client, err = kubernetes.NewForConfig(c); err != nil {
		return fmt.Errorf("client: %w", err)
	}
	z.at = z.overrides.Context.Namespace
	if z.own, err = z.furlNamespace(ctx, z.client); err != nil && z.at == "" {
		return err
	}
	if z.at == "" {
		z.at = z.own
	}
	return nil
}

func (z *freezing) freeze(ctx context.Context, out io.Writer, now time.Time) error {
	f := freeze.Freeze{
		Namespace: z.at, Cluster: z.at == z.own, By: z.whoami(ctx), Reason: z.reason, Since: now.Truncate(time.Second),
	}
	if z.lasts > 0 {
		f.Until = f.Since.Add(z.lasts)
	}
	order := &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{
		Namespace: z.at, Name: api.FreezeName, Labels: map[string]string{"app.kubernetes.io/part-of": "furl"},
	}, Data: f.Data()}
	maps := z.client.CoreV1().ConfigMaps(z.at)
	_, err := maps.Create(ctx, order, metav1.CreateOptions{})
	if apierrors.IsAlreadyExists(err) {
		err = z.again(ctx, order, now)
	}
	if err != nil {
		return z.why("freeze", err)
	}
	_, err = fmt.Fprintf(out, "%s\nFurl decides and writes no size. To resume: %s\n", f.String(), z.resume())
	return err
}

// again replaces an order, unless somebody's lasts longer.
func (z *freezing) again(ctx context.Context, order *corev1.ConfigMap, now time.Time) error {
	is, err := z.client.CoreV1().ConfigMaps(z.at).Get(ctx, api.FreezeName, metav1.GetOptions{})
	if err != nil {
		return err
	}
	was, will := freeze.Of(is, z.own), freeze.Of(order, z.own)
	longer := was.Until.IsZero() && !will.Until.IsZero() || !will.Until.IsZero() && was.Until.After(will.Until)
	if was.InForce(now) && longer && !z.replace {
		return fmt.Errorf("%s, which is longer; to shorten it: --replace", &was)
	}
	order.ResourceVersion = is.ResourceVersion
	_, err = z.client.CoreV1().ConfigMaps(z.at).Update(ctx, order, metav1.UpdateOptions{})
	return err
}

func (z *freezing) unfreeze(ctx context.Context, out io.Writer, now time.Time) error {
	maps := z.client.CoreV1().ConfigMaps(z.at)
	is, err := maps.Get(ctx, api.FreezeName, metav1.GetOptions{})
	f := freeze.Freeze{Namespace: z.at, Cluster: z.at == z.own}
	if err == nil {
		f = freeze.Of(is, z.own)
		err = maps.Delete(ctx, api.FreezeName, metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &is.UID}})
	}
	said := fmt.Sprintf("%s is no longer frozen", f.Scope())
	switch {
	case apierrors.IsNotFound(err):
		said = f.Scope() + " is not frozen"
	case err != nil:
		return z.why("unfreeze", err)
	}
	if _, err := fmt.Fprintln(out, said); err != nil {
		return err
	}
	return z.left(ctx, out, now)
}

// mostOrders bounds how many orders are read at once.
const mostOrders = 500

// left tells of the orders that still hold something back here, as far as they
// may be read.
func (z *freezing) left(ctx context.Context, out io.Writer, now time.Time) error {
	all, err := z.client.CoreV1().ConfigMaps(metav1.NamespaceAll).List(ctx, metav1.ListOptions{
		FieldSelector: metav1.ObjectNameField + "=" + api.FreezeName, Limit: mostOrders,
	})
	switch {
	case apierrors.IsForbidden(err):
		return nil // whoever may not read them has done what was asked
	case err != nil:
		return fmt.Errorf("it is done; whether another freeze is in force cannot be told: %w", err)
	}
	for i := range all.Items {
		f := freeze.Of(&all.Items[i], z.own)
		if f.InForce(now) && (z.at == z.own || f.Cluster) {
			if _, err := fmt.Fprintf(out, "still: %s\n", &f); err != nil {
				return err
			}
		}
	}
	return nil
}

// whoami is the user's name, as the cluster knows it.
func (z *freezing) whoami(ctx context.Context) string {
	r, err := z.client.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	if err != nil {
		return "" // before Kubernetes 1.28: the order counts without
	}
	return r.Status.UserInfo.Username
}

func (z *freezing) resume() string {
	if z.at == z.own {
		return "furl unfreeze"
	}
	return "furl unfreeze -n " + z.at
}

// why turns the API server's answer into what to do about it.
func (z *freezing) why(act string, err error) error {
	switch {
	case apierrors.IsNotFound(err):
		return fmt.Errorf("namespace %s is not there: to freeze the whole cluster, leave -n out or name Furl's namespace with --furl-namespace (%w)", z.at, err)
	case apierrors.IsForbidden(err):
		return fmt.Errorf("to %s you need to write configmap %s in namespace %s: %w", act, api.FreezeName, z.at, err)
	default:
		return fmt.Errorf("%s by configmap %s/%s: %w", act, z.at, api.FreezeName, err)
	}
}
