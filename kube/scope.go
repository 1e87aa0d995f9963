package kube

import (
	"context"
	"sync"

	"golang.org/x/sync/errgroup"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Scope are the namespaces that are watched; all when it is empty. KEDA calls
// it WATCH_NAMESPACE.
type Scope []string

// scoped follows one kind in every namespace of s into sink. Feed makes the
// feed of one namespace.
func scoped[O Object](s Scope, sink Sink[O], feed func(namespace string, sink Sink[O]) *Feed[O]) Follower {
	if len(s) == 0 {
		return feed(metav1.NamespaceAll, sink)
	}
	one := &oneByOne[O]{sink: sink}
	all := &several{synced: make(chan struct{})}
	for _, n := range s {
		all.feeds = append(all.feeds, feed(n, one))
	}
	return all
}

// several are the feeds of one kind in different namespaces, as one.
type several struct {
	feeds  []Follower
	synced chan struct{}
}

// Name implements [Follower].
func (s *several) Name() string { return s.feeds[0].Name() }

// Synced implements [Follower]: it is closed when all have passed on their first list.
func (s *several) Synced() <-chan struct{} { return s.synced }

// Run implements [Follower].
func (s *several) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, f := range s.feeds {
		group.Go(func() error { return f.Run(ctx) })
	}
	group.Go(func() error {
		for _, f := range s.feeds {
			select {
			case <-f.Synced():
			case <-ctx.Done():
				return nil
			}
		}
		close(s.synced)
		return nil
	})
	return group.Wait()
}

// oneByOne keeps the promise to a sink that one goroutine calls it at a time.
type oneByOne[O any] struct {
	mu   sync.Mutex // held during every call of sink
	sink Sink[O]
}

// Put implements [Sink].
func (o *oneByOne[O]) Put(obj O) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sink.Put(obj)
}

// Drop implements [Sink].
func (o *oneByOne[O]) Drop(key types.NamespacedName) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.sink.Drop(key)
}
