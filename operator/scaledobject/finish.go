package scaledobject

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
)

// abandoned is how long a deleted object waits for KEDA: at work, it takes its
// finalizer off within a second. An object without KEDA would wait for ever.
const abandoned = time.Minute

// promise puts the finalizer on an object that is to give its target the
// former size back. No other object gets one.
func (k *Controller) promise(ctx context.Context, h *holding) error {
	o := h.scaler.book.stored
	if !restores(o) || slices.Contains(o.Finalizers, v1alpha1.Finalizer) {
		return nil
	}
	return k.finalizers(ctx, h, append(slices.Clone(o.Finalizers), v1alpha1.Finalizer))
}

func restores(o *v1alpha1.ScaledObject) bool {
	return o.Spec.Advanced != nil && o.Spec.Advanced.RestoreToOriginalReplicaCount
}

// finish keeps the promise to an object that is being deleted and lets it go.
// Whoever else holds it does so by finalizers of their own.
func (k *Controller) finish(ctx context.Context, o *v1alpha1.ScaledObject, h *holding, at time.Time) (time.Time, error) {
	if !slices.Contains(o.Finalizers, v1alpha1.Finalizer) {
		k.release(keyOf(o))
		return time.Time{}, nil
	}
	if due := o.DeletionTimestamp.Add(abandoned); (h.beside != "" || h.observes) && at.Before(due) {
		return due, nil
	}
	h.scaler.book.see(o)
	if k.ports.closed(o.Namespace) != "" && restores(o) && h.beside == "" && !h.observes {
		return time.Time{}, nil // to give a size back is to write one: the end of the freeze wakes it
	}
	if restores(o) && h.beside == "" && !h.observes {
		if err := h.scaler.takeAway(ctx); err != nil { // or it would move the size again
			return time.Time{}, err
		}
		if err := k.restore(ctx, h); err != nil {
			return time.Time{}, err
		}
	}
	o = h.scaler.book.stored
	rest := slices.DeleteFunc(slices.Clone(o.Finalizers), func(f string) bool { return f == v1alpha1.Finalizer })
	if err := k.finalizers(ctx, h, rest); err != nil {
		return time.Time{}, err
	}
	k.release(keyOf(o))
	return time.Time{}, nil
}

// restore gives the target the size it had before the object came. Where that
// is not known, or the target is gone, there is nothing to give back.
func (k *Controller) restore(ctx context.Context, h *holding) error {
	o := h.scaler.book.stored
	original := o.Status.OriginalReplicaCount
	if original == nil {
		return nil
	}
	size, err := k.ports.Scales.Get(ctx, targetOf(o))
	switch {
	case apierrors.IsNotFound(err), meta.IsNoMatchError(err):
		return nil
	case err != nil:
		return fmt.Errorf("size to restore for ScaledObject %s: %w", keyOf(o), err)
	case size.Replicas.Spec == *original:
		return nil
	}
	if err := k.ports.Scales.Move(ctx, size, *original); err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("restore %d replicas for ScaledObject %s: %w", *original, keyOf(o), err)
	}
	return nil
}

// finalizers replaces the list of an object, unless the object changed meanwhile.
func (k *Controller) finalizers(ctx context.Context, h *holding, list []string) error {
	o := h.scaler.book.stored
	body, err := json.Marshal(map[string]any{"metadata": map[string]any{
		"uid": o.UID, "resourceVersion": o.ResourceVersion, "finalizers": list,
	}})
	if err != nil {
		return err
	}
	stored, err := k.ports.Objects.PatchScaledObject(ctx, keyOf(o), false, body)
	switch {
	case apierrors.IsNotFound(err):
		return nil
	case err != nil:
		return fmt.Errorf("finalizers of ScaledObject %s: %w", keyOf(o), err)
	}
	h.scaler.book.stored = Cut(stored).Object
	return nil
}
