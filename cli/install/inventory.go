package install

import (
	"context"
	"fmt"
	"slices"

	"github.com/furl-dev/furl/deploy"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// resource is one of version v1, as all are that Furl consists of.
func resource(group, name string) schema.GroupVersionResource {
	return schema.GroupVersionResource{Group: group, Version: "v1", Resource: name}
}

// The resources that installations of this and earlier versions consist of,
// in the order in which they go.
func apiServices() schema.GroupVersionResource {
	return resource("apiregistration.k8s.io", "apiservices")
}

func webhooks() schema.GroupVersionResource {
	return resource("admissionregistration.k8s.io", "validatingwebhookconfigurations")
}

func deployments() schema.GroupVersionResource { return resource("apps", "deployments") }

func definitions() schema.GroupVersionResource {
	return resource("apiextensions.k8s.io", "customresourcedefinitions")
}

func namespaces() schema.GroupVersionResource { return resource("", "namespaces") }

func pods() schema.GroupVersionResource { return resource("", "pods") }

// bindings are what gives Furl its rights.
func bindings() []schema.GroupVersionResource {
	const rbac = "rbac.authorization.k8s.io"
	return []schema.GroupVersionResource{resource(rbac, "clusterrolebindings"), resource(rbac, "rolebindings")}
}

// furnishings are what is left when nothing of Furl runs or is asked any more.
func furnishings() []schema.GroupVersionResource {
	const rbac, admission = "rbac.authorization.k8s.io", "admissionregistration.k8s.io"
	return []schema.GroupVersionResource{
		resource("policy", "poddisruptionbudgets"),
		resource("", "services"),
		resource(rbac, "clusterroles"),
		resource(rbac, "roles"),
		resource(admission, "validatingadmissionpolicybindings"), // after the rights that it holds back
		resource(admission, "validatingadmissionpolicies"),
		resource("", "configmaps"),
		resource("", "secrets"),
		resource("", "serviceaccounts"),
	}
}

// everything is all but what stays: definitions and the Namespace.
func everything() []schema.GroupVersionResource {
	return slices.Concat([]schema.GroupVersionResource{apiServices(), webhooks(), deployments()}, bindings(), furnishings())
}

func selector(installation string) string { return deploy.LabelInstallation + "=" + installation }

// owned lists what of a resource belongs to an installation.
func (c *Cluster) owned(ctx context.Context, r schema.GroupVersionResource, installation string) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	err := c.each(ctx, r, query{labels: selector(installation)}, func(o *unstructured.Unstructured) error {
		all = append(all, o)
		return nil
	})
	return all, err
}

// Prune removes what belongs to the installation and is not wanted any more:
// of an earlier version, or of another form. Definitions stay, since every
// object of the kind would go with one, and so does the Namespace.
func (c *Cluster) Prune(ctx context.Context, installation string, wanted []*unstructured.Unstructured) error {
	for _, r := range everything() {
		have, err := c.owned(ctx, r, installation)
		if err != nil {
			return err
		}
		for _, o := range have {
			if slices.ContainsFunc(wanted, func(w *unstructured.Unstructured) bool { return same(o, w) }) {
				continue
			}
			if err := c.remove(ctx, r, o, "removed, nothing needs it any more"); err != nil {
				return err
			}
		}
	}
	return nil
}

// same tells whether two are one object, whatever the versions of their kind.
func same(a, b *unstructured.Unstructured) bool {
	return a.GroupVersionKind().GroupKind() == b.GroupVersionKind().GroupKind() &&
		a.GetNamespace() == b.GetNamespace() && a.GetName() == b.GetName()
}

// remove deletes an object, if it still is the one that was looked at. The
// pods of a Deployment go before it does.
func (c *Cluster) remove(ctx context.Context, r schema.GroupVersionResource, o *unstructured.Unstructured, how string) error {
	if o.GetDeletionTimestamp() != nil {
		return nil
	}
	uid, propagation := o.GetUID(), metav1.DeletePropagationBackground
	if r == deployments() {
		propagation = metav1.DeletePropagationForeground
	}
	err := c.objects.Resource(r).Namespace(o.GetNamespace()).Delete(ctx, o.GetName(), metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &uid}, PropagationPolicy: &propagation,
	})
	switch {
	case apierrors.IsNotFound(err), apierrors.IsConflict(err): // gone, or another by now
		return nil
	case err != nil:
		return fmt.Errorf("delete %s: %w", title(o), err)
	}
	c.tell("%s %s", title(o), how)
	return nil
}
