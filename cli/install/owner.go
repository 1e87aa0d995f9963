package install

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/furl-dev/furl/deploy"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// claim says who holds an object that Furl would apply.
type claim struct {
	by  string // empty: nobody but this installation
	out string // what the user can do
	// leaveable says that nothing is lost by taking it over.
	leaveable bool
}

// Free finds which of the objects this installation may apply: none of them
// may be another's. The Namespace is left out where somebody else made it.
func (c *Cluster) Free(ctx context.Context, objects []*unstructured.Unstructured, take bool) ([]*unstructured.Unstructured, error) {
	var (
		mine  []*unstructured.Unstructured
		taken []error
	)
	for _, o := range objects {
		live, err := c.liveIfKnown(ctx, o)
		if err != nil {
			return nil, err
		}
		if live == nil {
			mine = append(mine, o)
			continue
		}
		k, err := c.holder(ctx, o, live)
		switch {
		case err != nil:
			return nil, err
		case k.by == "" || take && k.leaveable:
			mine = append(mine, o)
		case o.GetKind() == "Namespace":
			c.tell("%s is there already: used, and kept by furl uninstall", title(o))
		default:
			taken = append(taken, fmt.Errorf("%s %s: %s", title(o), k.by, k.out))
		}
	}
	return mine, errors.Join(taken...)
}

// liveIfKnown is get, for objects whose kind may come with the installation.
func (c *Cluster) liveIfKnown(ctx context.Context, o *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	live, err := c.get(ctx, o)
	if meta.IsNoMatchError(err) {
		return nil, nil
	}
	return live, err
}

// holder finds whose an object is, from the marks that tools leave.
func (c *Cluster) holder(ctx context.Context, o, live *unstructured.Unstructured) (claim, error) {
	installation := o.GetLabels()[deploy.LabelInstallation]
	other := live.GetLabels()[deploy.LabelInstallation]
	release := live.GetAnnotations()["meta.helm.sh/release-name"]
	switch {
	case live.GetDeletionTimestamp() != nil:
		return claim{by: "is being deleted", out: "wait until it is gone, or finish that with: furl uninstall --namespace " + installation}, nil
	case release != "":
		from := live.GetAnnotations()["meta.helm.sh/release-namespace"]
		return claim{by: fmt.Sprintf("belongs to the Helm release %s in namespace %s", release, from), out: helmOut(o, release, from)}, nil
	case other == installation:
		return claim{}, nil
	case other != "":
		return claim{
			by:  "belongs to the Furl in namespace " + other,
			out: fmt.Sprintf("install into that (--namespace %s), or remove it first: furl uninstall --namespace %s", other, other),
		}, nil
	case o.GetKind() == deploy.KindAPIService:
		return c.apiHolder(ctx, o, live)
	}
	return claim{
		by: "is there already, made by " + makers(live), leaveable: true,
		out: "--take-ownership makes it this installation's" + without(o),
	}, nil
}

// helmOut says what to do about an object that Helm would take away with its release.
func helmOut(o *unstructured.Unstructured, release, namespace string) string {
	if o.GetKind() == deploy.KindDefinition {
		return "removing that release may remove it, and every object with it" + without(o) + ", and Furl works with it as it is"
	}
	return fmt.Sprintf("upgrade that release with helm, or remove it first: helm uninstall %s --namespace %s", release, namespace)
}

// apiHolder finds whose an API is from the Service that answers for it.
func (c *Cluster) apiHolder(ctx context.Context, o, live *unstructured.Unstructured) (claim, error) {
	service, namespace := serviceOf(live)
	wanted, own := serviceOf(o)
	if service == wanted && namespace == own {
		return claim{by: "is there already, made by " + makers(live), leaveable: true, out: "--take-ownership makes it this installation's"}, nil
	}
	if service == "" {
		return claim{by: "is served by the API server itself", out: "that cannot be replaced" + without(o)}, nil
	}
	behind := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "v1", "kind": "Service", "metadata": map[string]any{"name": service, "namespace": namespace},
	}}
	there, err := c.get(ctx, behind)
	switch {
	case err != nil:
		return claim{}, err
	case there == nil:
		return claim{
			by: fmt.Sprintf("leads to Service %s/%s, which is gone", namespace, service), leaveable: true,
			out: "--take-ownership makes it this installation's",
		}, nil
	}
	return claim{
		by:  fmt.Sprintf("is served by Service %s/%s", namespace, service),
		out: "the cluster has room for one: remove that first" + without(o),
	}, nil
}

// serviceOf is the Service that an APIService leads to.
func serviceOf(api *unstructured.Unstructured) (name, namespace string) {
	name, _, _ = unstructured.NestedString(api.Object, "spec", "service", "name")
	namespace, _, _ = unstructured.NestedString(api.Object, "spec", "service", "namespace")
	return name, namespace
}

// makers are the field managers of an object.
func makers(o *unstructured.Unstructured) string {
	var names []string
	seen := map[string]bool{}
	for _, f := range o.GetManagedFields() {
		if !seen[f.Manager] {
			names = append(names, f.Manager)
		}
		seen[f.Manager] = true
	}
	if len(names) == 0 {
		return "somebody"
	}
	return strings.Join(names, ", ")
}

// without is the flag that leaves out what the object is part of.
func without(o *unstructured.Unstructured) string {
	if p := deploy.Part(o); p != "" {
		return "; --without " + p + " leaves it there"
	}
	return ""
}
