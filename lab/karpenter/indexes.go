package karpenter

import (
	"context"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	storagev1 "k8s.io/api/storage/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
	karpenterv1 "sigs.k8s.io/karpenter/pkg/apis/v1"
)

// addIndexes makes the indexes by which Karpenter's controllers look objects up, as its own operator does.
func addIndexes(ctx context.Context, to client.FieldIndexer) error {
	for _, add := range []func() error{
		func() error {
			return index(ctx, to, "spec.nodeName", func(o *corev1.Pod) string { return o.Spec.NodeName })
		},
		func() error {
			return index(ctx, to, "spec.providerID", func(o *corev1.Node) string { return o.Spec.ProviderID })
		},
		func() error {
			return index(ctx, to, "spec.nodeName", func(o *storagev1.VolumeAttachment) string { return o.Spec.NodeName })
		},
		func() error {
			return index(ctx, to, "status.providerID", func(o *karpenterv1.NodeClaim) string { return o.Status.ProviderID })
		},
		func() error { return addClassIndexes(ctx, to) },
	} {
		if err := add(); err != nil {
			return err
		}
	}
	return nil
}

// addClassIndexes makes those by the class that NodeClaims and NodePools refer to.
func addClassIndexes(ctx context.Context, to client.FieldIndexer) error {
	for field, of := range map[string]func(*karpenterv1.NodeClassReference) string{
		"group": func(r *karpenterv1.NodeClassReference) string { return r.Group },
		"kind":  func(r *karpenterv1.NodeClassReference) string { return r.Kind },
		"name":  func(r *karpenterv1.NodeClassReference) string { return r.Name },
	} {
		if err := index(ctx, to, "spec.nodeClassRef."+field, func(o *karpenterv1.NodeClaim) string {
			return of(o.Spec.NodeClassRef)
		}); err != nil {
			return err
		}
		if err := index(ctx, to, "spec.template.spec.nodeClassRef."+field, func(o *karpenterv1.NodePool) string {
			return of(o.Spec.Template.Spec.NodeClassRef)
		}); err != nil {
			return err
		}
	}
	return nil
}

// index lets objects of a type be looked up by a field.
func index[T any, O interface {
	*T
	client.Object
}](ctx context.Context, to client.FieldIndexer, field string, value func(O) string,
) error {
	err := to.IndexField(ctx, O(new(T)), field, func(o client.Object) []string {
		if o, ok := o.(O); ok {
			return []string{value(o)}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("index %T by %s: %w", O(nil), field, err)
	}
	return nil
}
