package install

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/deploy"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// Order is what to install, and how.
type Order struct {
	// Installation is the namespace that it lives in.
	Installation string
	// Objects are all that belong to it.
	Objects []*unstructured.Unstructured
	// Take makes objects of nobody's this installation's.
	Take bool
	// Within bounds each wait; 0 does not wait.
	Within time.Duration
	// Dry checks and changes nothing.
	Dry bool
}

// Install makes the cluster have the objects of an order and none of an
// earlier one. Nothing is touched where anything is somebody else's.
//
// The cluster is told whom to ask last, when somebody answers: an API that
// nobody answers for holds up the deletion of every namespace.
func (c *Cluster) Install(ctx context.Context, o Order) error {
	mine, err := c.Free(ctx, o.Objects, o.Take)
	if err != nil {
		return err
	}
	if o.Dry {
		return c.rehearse(ctx, mine)
	}
	ground, doors := split(mine)
	if err := c.applyAll(ctx, ground); err != nil {
		return err
	}
	if err := c.Prune(ctx, o.Installation, o.Objects); err != nil {
		return err
	}
	if o.Within > 0 {
		for _, d := range of(ground, "Deployment") {
			if err := c.awaitDeployment(ctx, d, o.Within); err != nil {
				return err
			}
		}
	}
	if err := c.applyAll(ctx, doors); err != nil || o.Within == 0 {
		return err
	}
	return c.awaitAPIs(ctx, of(doors, deploy.KindAPIService), o.Within)
}

// split sets apart what makes the API server ask Furl.
func split(objects []*unstructured.Unstructured) (ground, doors []*unstructured.Unstructured) {
	for _, o := range objects {
		if o.GetKind() == deploy.KindAPIService || o.GetKind() == deploy.KindWebhooks {
			doors = append(doors, o)
			continue
		}
		ground = append(ground, o)
	}
	return ground, doors
}

func of(objects []*unstructured.Unstructured, kind string) []*unstructured.Unstructured {
	return slices.DeleteFunc(slices.Clone(objects), func(o *unstructured.Unstructured) bool { return o.GetKind() != kind })
}

func (c *Cluster) applyAll(ctx context.Context, objects []*unstructured.Unstructured) error {
	for _, o := range objects {
		if err := c.Apply(ctx, o, false); err != nil {
			return err
		}
	}
	return nil
}

// rehearse has the API server check what it can without the namespace, which
// may not be there yet.
func (c *Cluster) rehearse(ctx context.Context, objects []*unstructured.Unstructured) error {
	missing := map[string]bool{}
	for _, o := range of(objects, "Namespace") {
		live, err := c.get(ctx, o)
		if err != nil {
			return err
		}
		missing[o.GetName()] = live == nil
	}
	for _, o := range objects {
		if missing[o.GetNamespace()] {
			c.tell("%s would be created (its namespace is not there to check it in)", title(o))
			continue
		}
		if err := c.Apply(ctx, o, true); err != nil {
			return err
		}
	}
	return nil
}

// awaitDeployment waits until all pods are of the newest version and available.
func (c *Cluster) awaitDeployment(ctx context.Context, d *unstructured.Unstructured, within time.Duration) error {
	err := c.until(ctx, within, func(ctx context.Context) (string, error) {
		live, err := c.get(ctx, d)
		if err != nil {
			return "", err
		}
		if live == nil {
			return "", fmt.Errorf("%s is gone", title(d))
		}
		missing := unready(live)
		if missing == "" {
			return "", nil
		}
		return title(d) + ": " + missing + c.held(ctx, d), nil
	})
	if err != nil {
		return fmt.Errorf("wait for %s: %w", title(d), err)
	}
	return nil
}

// unready says what a Deployment lacks; nothing when it is complete.
func unready(d *unstructured.Unstructured) string {
	number := func(fields ...string) int64 {
		n, _, _ := unstructured.NestedInt64(d.Object, fields...)
		return n
	}
	want, now := number("spec", "replicas"), number("status", "updatedReplicas")
	available := number("status", "availableReplicas")
	switch {
	case number("status", "observedGeneration") < d.GetGeneration():
		return "not looked at yet"
	case now < want:
		return fmt.Sprintf("%d of %d pods are of the new version", now, want)
	case number("status", "replicas") > now:
		return "pods of the old version are ending"
	case available < want:
		return fmt.Sprintf("%d of %d pods are ready", available, want)
	}
	return ""
}

// held says why a pod of a Deployment does not start, where one says so.
func (c *Cluster) held(ctx context.Context, d *unstructured.Unstructured) string {
	match, _, _ := unstructured.NestedStringMap(d.Object, "spec", "selector", "matchLabels")
	why := ""
	_ = c.each(ctx, pods(), query{d.GetNamespace(), labels.Set(match).String()}, func(p *unstructured.Unstructured) error { // what it waits for is said without it
		if w := waiting(p); w != "" && why == "" {
			why = fmt.Sprintf("; pod %s: %s", p.GetName(), w)
		}
		return nil
	})
	return why
}

// waiting is the first reason for which a container of a pod does not run, or
// for which the pod has no node.
func waiting(pod *unstructured.Unstructured) string {
	statuses, _, _ := unstructured.NestedSlice(pod.Object, "status", "containerStatuses")
	for _, one := range statuses {
		s, _ := one.(map[string]any)
		reason, _, _ := unstructured.NestedString(s, "state", "waiting", "reason")
		message, _, _ := unstructured.NestedString(s, "state", "waiting", "message")
		if reason != "" && reason != "ContainerCreating" {
			return join(reason, message)
		}
	}
	conditions, _, _ := unstructured.NestedSlice(pod.Object, "status", "conditions")
	for _, one := range conditions {
		if s, _ := one.(map[string]any); s["type"] == "PodScheduled" && s["status"] == "False" {
			return join(fmt.Sprint(s["reason"]), fmt.Sprint(s["message"]))
		}
	}
	return ""
}

func join(reason, message string) string {
	if message == "" {
		return reason
	}
	return reason + ", " + message
}

// awaitAPIs waits until the API server reaches Furl for each of its APIs.
func (c *Cluster) awaitAPIs(ctx context.Context, apis []*unstructured.Unstructured, within time.Duration) error {
	for _, api := range apis {
		err := c.until(ctx, within, func(ctx context.Context) (string, error) { return c.Unavailable(ctx, api.GetName()) })
		if err != nil {
			return fmt.Errorf("wait for %s: %w", title(api), err)
		}
	}
	return nil
}

// Unavailable says why the API server does not reach who answers for an
// APIService, and nothing when it does.
func (c *Cluster) Unavailable(ctx context.Context, name string) (string, error) {
	api := &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiregistration.k8s.io/v1", "kind": deploy.KindAPIService, "metadata": map[string]any{"name": name},
	}}
	live, err := c.get(ctx, api)
	if err != nil {
		return "", err
	}
	if live == nil {
		return "", fmt.Errorf("%s is gone", title(api))
	}
	conditions, _, err := unstructured.NestedSlice(live.Object, "status", "conditions")
	if err != nil {
		return "", fmt.Errorf("read the conditions of %s: %w", title(api), err)
	}
	for _, one := range conditions {
		s, ok := one.(map[string]any)
		if !ok || s["type"] != "Available" {
			continue
		}
		if s["status"] == "True" {
			return "", nil
		}
		return fmt.Sprintf("%s: %v", title(api), s["message"]), nil
	}
	return title(api) + ": not looked at yet", nil
}
