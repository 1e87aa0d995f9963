package install

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/deploy"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// Farewell is what to take away, and how.
type Farewell struct {
	// Installation is the namespace that it lives in.
	Installation string
	// Definitions takes the kinds of keda.sh away too, and so every object of them.
	Definitions bool
	// Promises says whose finalizers are taken off; [PromisesOwn] when empty.
	Promises Promises
	// Within bounds each wait.
	Within time.Duration
	// Dry tells what would go and changes nothing.
	Dry bool
}

// Uninstall takes an installation away. It needs nothing of Furl to be alive,
// and goes on where an earlier one was cut off, or where somebody else has
// deleted the Namespace or the definitions already.
func (c *Cluster) Uninstall(ctx context.Context, f Farewell) error {
	if f.Dry {
		return c.foretell(ctx, f)
	}
	for _, step := range []func(context.Context, Farewell) error{
		c.closeDoors,      // first: an API that nobody answers for holds up the deletion of every namespace
		c.stop,            // before the finalizers: an operator at work would put them back
		c.disarm,          // one that runs elsewhere too
		c.keepPromises,    // while the objects' targets may still be scaled
		c.dropDefinitions, // without finalizers their objects go at once
		c.clear,
		c.dropNamespace, // last: it takes all that is in it along
	} {
		if err := step(ctx, f); err != nil {
			return err
		}
	}
	return nil
}

// foretell lists what would go.
func (c *Cluster) foretell(ctx context.Context, f Farewell) error {
	all := everything()
	if f.Definitions {
		all = append(all, definitions())
	}
	for _, r := range append(all, namespaces()) {
		have, err := c.owned(ctx, r, f.Installation)
		if err != nil {
			return err
		}
		for _, o := range have {
			c.tell("%s would be removed", title(o))
		}
	}
	return nil
}

func (c *Cluster) closeDoors(ctx context.Context, f Farewell) error {
	return c.removeEach(ctx, []schema.GroupVersionResource{apiServices(), webhooks()}, f)
}

// stop ends the operator, and waits until none of its pods is at work.
func (c *Cluster) stop(ctx context.Context, f Farewell) error {
	return c.removeAll(ctx, deployments(), f)
}

// disarm takes Furl's rights away.
func (c *Cluster) disarm(ctx context.Context, f Farewell) error {
	return c.removeEach(ctx, bindings(), f)
}

// dropDefinitions takes the kinds away, if that is wanted. One that somebody
// deleted already goes by itself, once its objects have no finalizers.
func (c *Cluster) dropDefinitions(ctx context.Context, f Farewell) error {
	if !f.Definitions {
		return nil
	}
	return c.removeAll(ctx, definitions(), f)
}

func (c *Cluster) clear(ctx context.Context, f Farewell) error {
	if err := c.removeEach(ctx, furnishings(), f); err != nil {
		return err
	}
	return c.sweep(ctx, f.Installation)
}

// sweep removes what the operator made itself, which has no label: in a
// Namespace that stays, nothing else would.
func (c *Cluster) sweep(ctx context.Context, namespace string) error {
	for _, o := range []struct {
		r    schema.GroupVersionResource
		name string
	}{
		{resource("coordination.k8s.io", "leases"), "furl"},
		{resource("discovery.k8s.io", "endpointslices"), "furl-leader"},
		{resource("", "secrets"), "furl-certificates"},
	} {
		err := c.objects.Resource(o.r).Namespace(namespace).Delete(ctx, o.name, metav1.DeleteOptions{})
		if err != nil && !apierrors.IsNotFound(err) {
			return fmt.Errorf("delete %s %s/%s: %w", o.r.Resource, namespace, o.name, err)
		}
	}
	return nil
}

func (c *Cluster) removeEach(ctx context.Context, all []schema.GroupVersionResource, f Farewell) error {
	for _, r := range all {
		if err := c.removeAll(ctx, r, f); err != nil {
			return err
		}
	}
	return nil
}

// removeAll deletes what of a resource belongs to the installation, and waits
// until it is gone.
func (c *Cluster) removeAll(ctx context.Context, r schema.GroupVersionResource, f Farewell) error {
	have, err := c.owned(ctx, r, f.Installation)
	if err != nil || len(have) == 0 {
		return err
	}
	var errs []error
	for _, o := range have {
		errs = append(errs, c.remove(ctx, r, o, "deleted"))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	err = c.until(ctx, f.Within, func(ctx context.Context) (string, error) {
		left, err := c.owned(ctx, r, f.Installation)
		if err != nil || len(left) == 0 {
			return "", err
		}
		return title(left[0]) + " is ending" + ending(left[0]), nil
	})
	if err != nil {
		return fmt.Errorf("wait until the %s are gone: %w", r.Resource, err)
	}
	return nil
}

// ending says what holds up the end of an object.
func ending(o *unstructured.Unstructured) string {
	conditions, _, _ := unstructured.NestedSlice(o.Object, "status", "conditions")
	for _, one := range conditions {
		s, _ := one.(map[string]any)
		failed := s["status"] == "True" && s["message"] != nil && s["message"] != ""
		switch s["type"] {
		case "NamespaceDeletionDiscoveryFailure", "NamespaceDeletionGroupVersionParsingFailure",
			"NamespaceDeletionContentFailure", "NamespaceFinalizersRemaining":
			if failed {
				return fmt.Sprintf(": %v", s["message"])
			}
		}
	}
	return ""
}

// dropNamespace deletes Furl's own namespace, where the installation made it
// and nobody else has moved in.
func (c *Cluster) dropNamespace(ctx context.Context, f Farewell) error {
	have, err := c.owned(ctx, namespaces(), f.Installation)
	if err != nil || len(have) == 0 {
		return err
	}
	guest := ""
	err = c.each(ctx, pods(), query{namespace: f.Installation, labels: "app.kubernetes.io/name!=" + deploy.Name}, func(p *unstructured.Unstructured) error {
		guest = p.GetName()
		return nil
	})
	switch {
	case err != nil:
		return err
	case guest != "" && have[0].GetDeletionTimestamp() == nil:
		c.tell("namespace/%s is kept: other pods run there, such as %s", f.Installation, guest)
		return nil
	}
	return c.removeAll(ctx, namespaces(), f)
}
