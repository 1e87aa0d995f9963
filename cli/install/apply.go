package install

import (
	"context"
	"fmt"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// Apply makes an object what it is said to be, by server-side apply, and
// tells what that changed. With dry it is only checked.
func (c *Cluster) Apply(ctx context.Context, o *unstructured.Unstructured, dry bool) error { //nolint:revive // flag-parameter: it is the API server's own
	r, err := c.resource(o)
	if err != nil {
		return err
	}
	before, err := c.get(ctx, o)
	if err != nil {
		return err
	}
	options, suffix := metav1.ApplyOptions{FieldManager: c.manager, Force: true}, ""
	if dry {
		options.DryRun, suffix = []string{metav1.DryRunAll}, " (server dry run)"
	}
	after, err := r.Apply(ctx, o.GetName(), o, options)
	if err != nil {
		return fmt.Errorf("apply %s: %w", title(o), err)
	}
	c.tell("%s %s%s", title(o), changed(before, after), suffix)
	return nil
}

func changed(before, after *unstructured.Unstructured) string {
	switch {
	case before == nil:
		return "created"
	case before.GetResourceVersion() == after.GetResourceVersion():
		return "unchanged"
	}
	return "configured"
}
