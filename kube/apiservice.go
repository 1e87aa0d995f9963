package kube

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/tools/cache"
)

// ExternalMetrics is the one APIService of external.metrics.k8s.io: a cluster
// has it once, and whoever came first holds it.
const ExternalMetrics = "v1beta1.external.metrics.k8s.io"

// APIHolder knows which Service answers for an aggregated API. It is the [Sink]
// of [APIServiceFeed]. Its zero value is ready to use and knows of none.
type APIHolder struct {
	// Changed is called, outside any lock, when another answers, or nobody; nil is allowed.
	Changed func()

	mu      sync.Mutex // guards service and there
	service types.NamespacedName
	there   bool
}

// Service is who answers, and whether there is such an API at all. The API
// server itself is a Service without a name.
func (a *APIHolder) Service() (s types.NamespacedName, there bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.service, a.there
}

// Put implements [Sink].
func (a *APIHolder) Put(o *unstructured.Unstructured) {
	text := func(field string) string {
		s, _, _ := unstructured.NestedString(o.Object, "spec", "service", field) // no text, no Service
		return s
	}
	a.set(types.NamespacedName{Namespace: text("namespace"), Name: text("name")}, true)
}

// Drop implements [Sink].
func (a *APIHolder) Drop(types.NamespacedName) { a.set(types.NamespacedName{}, false) }

func (a *APIHolder) set(s types.NamespacedName, there bool) {
	a.mu.Lock()
	same := a.service == s && a.there == there
	a.service, a.there = s, there
	a.mu.Unlock()
	if !same && a.Changed != nil {
		a.Changed()
	}
}

// APIServiceFeed follows one APIService into sink. Clients is of the API server
// and has no timeout.
func APIServiceFeed(c *Clients, name string, sink Sink[*unstructured.Unstructured]) (Follower, error) {
	client, err := dynamic.NewForConfig(c.forever())
	if err != nil {
		return nil, fmt.Errorf("client of APIServices: %w", err)
	}
	all := client.Resource(schema.GroupVersionResource{Group: "apiregistration.k8s.io", Version: "v1", Resource: "apiservices"})
	only := func(o metav1.ListOptions) metav1.ListOptions {
		o.FieldSelector = fields.OneTermEqualSelector("metadata.name", name).String()
		return o
	}
	sample := &unstructured.Unstructured{}
	sample.SetAPIVersion("apiregistration.k8s.io/v1")
	sample.SetKind("APIService")
	return NewFeed("apiservices/"+name, &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			return all.List(ctx, only(o))
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			return all.Watch(ctx, only(o))
		},
	}, sample, sink, nil), nil
}
