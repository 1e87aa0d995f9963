package kube

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// SecretBox is one Secret of Furl's own, which it alone writes.
type SecretBox struct {
	Client kubernetes.Interface
	types.NamespacedName
}

// Load returns what is in it and which version that is; nothing where there is no Secret.
func (b SecretBox) Load(ctx context.Context) (data map[string][]byte, version string, err error) {
	s, err := b.Client.CoreV1().Secrets(b.Namespace).Get(ctx, b.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil, "", nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("secret %s: %w", b.NamespacedName, err)
	}
	return s.Data, s.ResourceVersion, nil
}

// Store replaces what is in it, unless that is another version by now. Labels
// and annotations that others gave it stay.
func (b SecretBox) Store(ctx context.Context, data map[string][]byte, version string) error {
	c := b.Client.CoreV1().Secrets(b.Namespace)
	s := &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: b.Namespace, Name: b.Name, ResourceVersion: version,
			Labels: map[string]string{"app.kubernetes.io/name": FieldManager, "app.kubernetes.io/managed-by": FieldManager},
		},
		Type: corev1.SecretTypeOpaque, Data: data,
	}
	if version == "" {
		_, err := c.Create(ctx, s, metav1.CreateOptions{FieldManager: FieldManager})
		return b.wrap(err)
	}
	was, err := c.Get(ctx, b.Name, metav1.GetOptions{})
	if err != nil {
		return b.wrap(err)
	}
	if s.Labels = maps.Clone(was.Labels); s.Labels == nil {
		s.Labels = map[string]string{}
	}
	s.Annotations, s.Type, s.OwnerReferences, s.Immutable = was.Annotations, was.Type, was.OwnerReferences, was.Immutable
	_, err = c.Update(ctx, s, metav1.UpdateOptions{FieldManager: FieldManager})
	return b.wrap(err)
}

func (b SecretBox) wrap(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("secret %s: %w", b.NamespacedName, err)
}

// Feed follows the Secret into sink. The client has no timeout.
func (b SecretBox) Feed(watches kubernetes.Interface, sink Sink[*corev1.Secret]) (Follower, error) {
	from, _ := single(watches, Ref{Kind: KindSecret, NamespacedName: b.NamespacedName}, func(error) {})
	if from == nil {
		return nil, fmt.Errorf("secret %s cannot be watched", b.NamespacedName)
	}
	return NewFeed("secret "+b.String(), from, &corev1.Secret{}, sink, nil), nil
}
