package install

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Promises says whose finalizers are taken off objects of keda.sh. An object
// whose finalizer nobody serves cannot be deleted any more.
type Promises string

// The values of [Promises].
const (
	// PromisesOwn are those that Furl put there, and those of objects that are being deleted.
	PromisesOwn Promises = "own"
	// PromisesAll are KEDA's, too: for a cluster where KEDA runs no more.
	PromisesAll Promises = "all"
)

// promising are the kinds that KEDA puts its finalizer on.
func promising() []schema.GroupVersionResource {
	keda := v1alpha1.GroupVersion()
	return []schema.GroupVersionResource{
		keda.WithResource("scaledobjects"),
		keda.WithResource("scaledjobs"),
		keda.WithResource("triggerauthentications"),
		keda.WithResource("clustertriggerauthentications"),
	}
}

// keepPromises takes the finalizer off every object that nobody will serve. A
// ScaledObject that is to give its target the former size back does so now if
// it goes, and is told of if it stays: later nobody will.
func (c *Cluster) keepPromises(ctx context.Context, f Farewell) error {
	going, err := c.going(ctx, f)
	if err != nil {
		return err
	}
	others := 0
	for _, r := range promising() {
		err := c.each(ctx, r, query{}, func(o *unstructured.Unstructured) error {
			if !slices.Contains(o.GetFinalizers(), v1alpha1.Finalizer) {
				return nil
			}
			goes := o.GetDeletionTimestamp() != nil || going[r.GroupResource().String()]
			if !goes && f.Promises != PromisesAll && !ours(o) {
				others++
				return nil
			}
			return c.release(ctx, r, o, goes)
		})
		if err != nil {
			return err
		}
	}
	if others > 0 {
		c.tell("%d objects keep a finalizer that Furl did not put there: they can be deleted while KEDA runs; without it, take it off with --finalizers=all", others)
	}
	return nil
}

// going are the definitions, by name, that the farewell takes away.
func (c *Cluster) going(ctx context.Context, f Farewell) (map[string]bool, error) {
	names := map[string]bool{}
	if !f.Definitions {
		return names, nil
	}
	have, err := c.owned(ctx, definitions(), f.Installation)
	for _, o := range have {
		names[o.GetName()] = true
	}
	return names, err
}

// Release takes finalizers off and nothing else, for an installation that some
// other tool takes away. The Deployment, if one is named, is stopped first.
func (c *Cluster) Release(ctx context.Context, f Farewell, deployment string) error {
	if deployment != "" {
		if err := c.halt(ctx, f, deployment); err != nil {
			return err
		}
	}
	return c.keepPromises(ctx, f)
}

// halt scales a Deployment to zero and waits until its pods are gone.
func (c *Cluster) halt(ctx context.Context, f Farewell, name string) error {
	in := c.objects.Resource(deployments()).Namespace(f.Installation)
	d, err := in.Patch(ctx, name, types.MergePatchType, []byte(`{"spec":{"replicas":0}}`), metav1.PatchOptions{FieldManager: c.manager})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("stop deployment %s/%s: %w", f.Installation, name, err)
	}
	c.tell("%s stopped", title(d))
	match, _, _ := unstructured.NestedStringMap(d.Object, "spec", "selector", "matchLabels")
	err = c.until(ctx, f.Within, func(ctx context.Context) (string, error) {
		left := 0
		err := c.each(ctx, pods(), query{f.Installation, labels.Set(match).String()}, func(*unstructured.Unstructured) error {
			left++
			return nil
		})
		if left == 0 || err != nil {
			return "", err
		}
		return fmt.Sprintf("%d pods of %s are ending", left, name), nil
	})
	if err != nil {
		return fmt.Errorf("wait until the pods of %s are gone: %w", title(d), err)
	}
	return nil
}

// ours tells whether Furl put the finalizer on an object.
func ours(o *unstructured.Unstructured) bool {
	for _, f := range o.GetManagedFields() {
		if f.Manager != "furl" || f.FieldsV1 == nil {
			continue
		}
		var fields struct {
			Metadata struct {
				Finalizers map[string]any `json:"f:finalizers"`
			} `json:"f:metadata"`
		}
		if json.Unmarshal(f.FieldsV1.GetRawBytes(), &fields) != nil {
			continue
		}
		if _, ok := fields.Metadata.Finalizers[fmt.Sprintf("v:%q", v1alpha1.Finalizer)]; ok {
			return true
		}
	}
	return false
}

// release lets one object go: for good, or from Furl's hands.
func (c *Cluster) release(ctx context.Context, r schema.GroupVersionResource, o *unstructured.Unstructured, goes bool) error {
	if scaled := restoring(o); scaled != nil {
		original := scaled.Status.OriginalReplicaCount
		switch {
		case original == nil:
		case goes:
			if err := c.restore(ctx, scaled, *original); err != nil {
				return err
			}
		default:
			c.tell("%s promised to give its target its %d replicas back when it is deleted; without Furl nobody will", title(o), *original)
		}
	}
	rest := slices.DeleteFunc(o.GetFinalizers(), func(f string) bool { return f == v1alpha1.Finalizer })
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": o.GetUID(), "resourceVersion": o.GetResourceVersion(), "finalizers": rest,
	}})
	if err != nil {
		return err
	}
	objects := c.objects.Resource(r).Namespace(o.GetNamespace())
	_, err = objects.Patch(ctx, o.GetName(), types.MergePatchType, body, metav1.PatchOptions{FieldManager: c.manager})
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case apierrors.IsConflict(err): // it changed meanwhile: look again
		again, err := objects.Get(ctx, o.GetName(), metav1.GetOptions{})
		if apierrors.IsNotFound(err) || err == nil && again.GetUID() != o.GetUID() {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", title(o), err)
		}
		return c.release(ctx, r, again, goes)
	case err != nil:
		return fmt.Errorf("take the finalizer off %s: %w", title(o), err)
	}
	c.tell("%s finalizer taken off", title(o))
	return nil
}

// restoring is the ScaledObject that promises its target's former size; nil where there is no such promise.
func restoring(o *unstructured.Unstructured) *v1alpha1.ScaledObject {
	if o.GetKind() != "ScaledObject" {
		return nil
	}
	s := new(v1alpha1.ScaledObject)
	if runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, s) != nil || // it promises nothing that can be read
		s.Spec.Advanced == nil || !s.Spec.Advanced.RestoreToOriginalReplicaCount || s.Spec.ScaleTargetRef == nil {
		return nil
	}
	return s
}

// restore gives the target its former size. One that is gone needs none.
func (c *Cluster) restore(ctx context.Context, s *v1alpha1.ScaledObject, replicas int32) error {
	ref := s.Spec.ScaleTargetRef
	kind := schema.FromAPIVersionAndKind(ref.APIVersion, ref.Kind)
	if ref.Kind == "" {
		kind = schema.GroupVersionKind{Group: "apps", Version: "v1", Kind: "Deployment"}
	}
	m, err := c.mapper.RESTMapping(kind.GroupKind(), kind.Version)
	if meta.IsNoMatchError(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("find the resource of kind %s: %w", kind.Kind, err)
	}
	body := fmt.Appendf(nil, `{"spec":{"replicas":%d}}`, replicas)
	_, err = c.objects.Resource(m.Resource).Namespace(s.Namespace).
		Patch(ctx, ref.Name, types.MergePatchType, body, metav1.PatchOptions{FieldManager: c.manager}, "scale")
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("restore %d replicas of %s %s/%s: %w", replicas, m.Resource.Resource, s.Namespace, ref.Name, err)
	}
	c.tell("%s %s -n %s has its %d replicas back", m.Resource.Resource, ref.Name, s.Namespace, replicas)
	return nil
}
