package kube

import (
	"context"
	"fmt"
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/tools/cache"
)

// Sink takes the objects of one kind as they come and go. A [Feed] calls it
// from one goroutine.
type Sink[O any] interface {
	Put(o O)
	Drop(key types.NamespacedName)
}

// Tee is a [Sink] that passes everything on to others, in their order.
func Tee[O any](sinks ...Sink[O]) Sink[O] { return tee[O](sinks) }

type tee[O any] []Sink[O]

// Put implements [Sink].
func (t tee[O]) Put(o O) {
	for _, s := range t {
		s.Put(o)
	}
}

// Drop implements [Sink].
func (t tee[O]) Drop(key types.NamespacedName) {
	for _, s := range t {
		s.Drop(key)
	}
}

// Object is a pointer to an API object.
type Object interface {
	runtime.Object
	metav1.Object
}

// Feed lists and watches one kind and passes every object on to a [Sink]. It
// keeps keys only: what of an object is worth keeping is the sink's to say.
type Feed[O Object] struct {
	name   string
	source cache.ListerWatcher
	sample O
	sink   Sink[O]
	strip  cache.TransformFunc

	synced chan struct{}
	once   sync.Once
	keys   map[types.NamespacedName]struct{} // of the reflector's goroutine
}

// NewFeed returns a feed of the kind of sample. Strip, which may be nil,
// empties what is not used from an object before a long list of them is held.
func NewFeed[O Object](name string, source cache.ListerWatcher, sample O, sink Sink[O], strip cache.TransformFunc) *Feed[O] {
	return &Feed[O]{
		name: name, source: source, sample: sample, sink: sink, strip: strip,
		synced: make(chan struct{}), keys: make(map[types.NamespacedName]struct{}),
	}
}

// Name is the name of the kind, as a role names it.
func (f *Feed[O]) Name() string { return f.name }

// Run lists and watches until ctx ends; after an error it begins anew, with backoff.
func (f *Feed[O]) Run(ctx context.Context) error {
	cache.NewReflectorWithOptions(f.source, f.sample, (*store[O])(f), cache.ReflectorOptions{Name: f.name}).RunWithContext(ctx)
	return nil
}

// Synced is closed when the first list was passed on.
func (f *Feed[O]) Synced() <-chan struct{} { return f.synced }

// store is the side of a feed that the reflector sees.
type store[O Object] Feed[O]

var _ cache.TransformingStore = (*store[Object])(nil)

// Add implements cache.ReflectorStore.
func (s *store[O]) Add(obj any) error {
	if s.strip != nil {
		stripped, err := s.strip(obj)
		if err != nil {
			return err
		}
		obj = stripped
	}
	o, ok := obj.(O)
	if !ok {
		return fmt.Errorf("watch of %s: unexpected %T", s.name, obj)
	}
	s.keys[keyOf(o)] = struct{}{}
	s.sink.Put(o)
	return nil
}

// Update implements cache.ReflectorStore.
func (s *store[O]) Update(obj any) error { return s.Add(obj) }

// Delete implements cache.ReflectorStore.
func (s *store[O]) Delete(obj any) error {
	o, ok := obj.(O)
	if !ok {
		return fmt.Errorf("watch of %s: unexpected %T", s.name, obj)
	}
	s.drop(keyOf(o))
	return nil
}

// Replace implements cache.ReflectorStore: what is not listed is gone.
func (s *store[O]) Replace(objs []any, _ string) error {
	listed := make(map[types.NamespacedName]struct{}, len(objs))
	for _, obj := range objs {
		if o, ok := obj.(O); ok {
			listed[keyOf(o)] = struct{}{}
		}
		if err := s.Add(obj); err != nil {
			return err
		}
	}
	for k := range s.keys {
		if _, ok := listed[k]; !ok {
			s.drop(k)
		}
	}
	s.once.Do(func() { close(s.synced) })
	return nil
}

// Resync implements cache.ReflectorStore; there is nothing to repeat.
func (s *store[O]) Resync() error { return nil }

// Transformer implements cache.TransformingStore.
func (s *store[O]) Transformer() cache.TransformFunc { return s.strip }

func (s *store[O]) drop(k types.NamespacedName) {
	delete(s.keys, k)
	s.sink.Drop(k)
}

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}
