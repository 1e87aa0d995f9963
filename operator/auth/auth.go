// Package auth fills in what triggers refer to: credentials, the environment of the workload, an identity in the cloud.
//
// What cannot be read is an error that names the reference. It is never an
// empty value: a queue that is read with an empty password looks idle.
package auth

import (
	"context"
	"errors"
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/trigger"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Reader reads what references name. Found is false for what does not exist.
type Reader interface {
	// Read returns the data of a Secret or ConfigMap, the annotations of a ServiceAccount.
	Read(ctx context.Context, ref kube.Ref) (data map[string]string, found bool, err error)
	// Authentication returns a TriggerAuthentication or, without a namespace, a
	// ClusterTriggerAuthentication; nil for one that does not exist.
	Authentication(ctx context.Context, ref kube.Ref) (*v1alpha1.TriggerAuthenticationSpec, error)
}

// Settings are the same for all triggers.
type Settings struct {
	// Namespace is where a ClusterTriggerAuthentication finds its secrets: the operator's own.
	Namespace string
	// RestrictSecrets reads no secret outside Namespace, as KEDA does with
	// KEDA_RESTRICT_SECRET_ACCESS: authentications look there, and a workload's
	// environment has no secrets.
	RestrictSecrets bool
	// FileRoot is the folder below which filePath is read; empty allows none.
	FileRoot string
}

// Resolver fills in references. It keeps nothing.
type Resolver struct {
	Reader Reader
	Settings
}

// Subject is what triggers are about: a workload in its namespace.
type Subject struct {
	Namespace string
	// Pod returns what the workload's pods are made from, nil where there is
	// none. It is called only when a reference needs it.
	Pod func(context.Context) (*corev1.PodSpec, error)
}

// Resolved is what an authentication gives.
type Resolved struct {
	Params   map[string]string
	Identity trigger.Identity
	// Absent are the references that lead nowhere. Their parameters are empty;
	// KEDA goes on with that, [Inputs] do not.
	Absent []error
}

// Err says what is absent, nil where nothing is.
func (r Resolved) Err() error { return errors.Join(r.Absent...) }

// Resolve fills in an authentication; a nil reference gives no parameter and no identity.
func (r Resolver) Resolve(ctx context.Context, s Subject, ref *v1alpha1.AuthenticationRef) (Resolved, error) {
	out := Resolved{Params: map[string]string{}, Identity: trigger.Identity{Provider: string(v1alpha1.PodIdentityProviderNone)}}
	if ref == nil || ref.Name == "" {
		return out, nil
	}
	name, home, err := r.locate(s.Namespace, ref)
	if err != nil {
		return Resolved{}, err
	}
	spec, err := r.Reader.Authentication(ctx, name)
	if err != nil {
		return Resolved{}, err
	}
	if spec == nil {
		out.Absent = append(out.Absent, fmt.Errorf("%s: %w", name, errAbsent))
		return out, nil
	}
	f := filling{Resolver: r, subject: s, home: home, spec: spec, out: &out}
	if err := f.fill(ctx, name); err != nil {
		return Resolved{}, fmt.Errorf("%s: %w", name, err)
	}
	for i, err := range out.Absent {
		out.Absent[i] = fmt.Errorf("%s: %w", name, err)
	}
	return out, nil
}

// locate names an authentication and the namespace of what it refers to.
func (r Resolver) locate(namespace string, ref *v1alpha1.AuthenticationRef) (name kube.Ref, home string, err error) {
	switch ref.Kind {
	case "", v1alpha1.KindTriggerAuthentication:
		name = kube.Ref{Kind: v1alpha1.KindTriggerAuthentication, NamespacedName: types.NamespacedName{Namespace: namespace, Name: ref.Name}}
		return name, namespace, nil
	case v1alpha1.KindClusterTriggerAuthentication:
		name = kube.Ref{Kind: v1alpha1.KindClusterTriggerAuthentication, NamespacedName: types.NamespacedName{Name: ref.Name}}
		return name, r.Namespace, nil
	}
	return name, "", fmt.Errorf("authenticationRef %s: kind %q: want %s or %s", ref.Name, ref.Kind,
		v1alpha1.KindTriggerAuthentication, v1alpha1.KindClusterTriggerAuthentication)
}
