package auth

import (
	"reflect"
	"sync"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"k8s.io/apimachinery/pkg/types"
)

// Authentications keeps what TriggerAuthentications and ClusterTriggerAuthentications
// say; there is no secret in them. It is safe for concurrent use.
type Authentications struct {
	// Changed is called outside any lock when a spec came, changed or went; set it before use.
	Changed func(kube.Ref)

	mu    sync.Mutex // guards specs
	specs map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec
}

// Get returns a spec that is not to be modified, nil for one that does not exist.
func (a *Authentications) Get(ref kube.Ref) *v1alpha1.TriggerAuthenticationSpec {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.specs[ref]
}

// Namespaced takes in TriggerAuthentications.
func (a *Authentications) Namespaced() kube.Sink[*v1alpha1.TriggerAuthentication] {
	return namespaced{a}
}

// Cluster takes in ClusterTriggerAuthentications.
func (a *Authentications) Cluster() kube.Sink[*v1alpha1.ClusterTriggerAuthentication] {
	return cluster{a}
}

func (a *Authentications) set(ref kube.Ref, spec *v1alpha1.TriggerAuthenticationSpec) {
	a.mu.Lock()
	same := reflect.DeepEqual(a.specs[ref], spec)
	if a.specs == nil {
		a.specs = map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec{}
	}
	a.specs[ref] = spec
	if spec == nil {
		delete(a.specs, ref)
	}
	a.mu.Unlock()
	if !same && a.Changed != nil {
		a.Changed(ref)
	}
}

type namespaced struct{ a *Authentications }

// Put implements kube.Sink.
func (s namespaced) Put(o *v1alpha1.TriggerAuthentication) {
	s.a.set(refOf(v1alpha1.KindTriggerAuthentication, types.NamespacedName{Namespace: o.Namespace, Name: o.Name}), &o.Spec)
}

// Drop implements kube.Sink.
func (s namespaced) Drop(key types.NamespacedName) {
	s.a.set(refOf(v1alpha1.KindTriggerAuthentication, key), nil)
}

type cluster struct{ a *Authentications }

// Put implements kube.Sink.
func (s cluster) Put(o *v1alpha1.ClusterTriggerAuthentication) {
	s.a.set(refOf(v1alpha1.KindClusterTriggerAuthentication, types.NamespacedName{Name: o.Name}), &o.Spec)
}

// Drop implements kube.Sink.
func (s cluster) Drop(key types.NamespacedName) {
	s.a.set(refOf(v1alpha1.KindClusterTriggerAuthentication, key), nil)
}

func refOf(kind string, key types.NamespacedName) kube.Ref {
	return kube.Ref{Kind: kind, NamespacedName: key}
}
