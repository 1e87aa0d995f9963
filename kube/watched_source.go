package kube

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// The kinds that can be watched by name.
const (
	KindSecret         = "Secret"
	KindConfigMap      = "ConfigMap"
	KindServiceAccount = "ServiceAccount"
)

// watch follows one object until ctx ends, or until the API server refuses.
func (w *Watched) watch(ctx context.Context, n *named) (refused error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var mu sync.Mutex // guards refused: the reflector's goroutines are several
	tell := func(err error) {
		if err == nil || ctx.Err() != nil {
			return
		}
		if apierrors.IsForbidden(err) {
			mu.Lock()
			refused = err
			mu.Unlock()
			stop()
			return
		}
		w.learn(n, nil, false, err)
	}
	source, sample := single(w.config.Watches, n.ref, tell)
	if source == nil {
		w.learn(n, nil, false, fmt.Errorf("cannot watch objects of kind %s by name", n.ref.Kind))
		<-ctx.Done()
		return nil
	}
	w.keepAt(ctx, cache.NewReflectorWithOptions(source, sample, &only{w, n}, cache.ReflectorOptions{Name: n.ref.Kind}))
	mu.Lock()
	defer mu.Unlock()
	return refused
}

// Pauses between two watches of an object grow from the one to the other while
// nothing is heard; spread keeps the watches of many objects apart.
const (
	shortestPause = time.Second
	longestPause  = 30 * time.Second
	spread        = 0.5
)

// keepAt watches again and again until ctx ends. RunWithContext of the
// reflector would do so too, and print a line for each object and attempt.
func (w *Watched) keepAt(ctx context.Context, r *cache.Reflector) {
	for pause := shortestPause; ; pause = min(2*pause, longestPause) {
		if r.ListAndWatchWithContext(ctx) == nil {
			pause = shortestPause
		}
		if w.config.Clock.Wait(ctx, w.config.Clock.Now().Add(wait.Jitter(pause, spread))) != nil {
			return
		}
	}
}

// only is the side of a watch of one object that the reflector sees.
type only struct {
	w *Watched
	n *named
}

var _ cache.ReflectorStore = (*only)(nil)

// Add implements cache.ReflectorStore.
func (o *only) Add(obj any) error {
	if !o.isIt(obj) {
		return nil
	}
	data, err := contents(obj)
	if err != nil {
		return err
	}
	o.w.learn(o.n, data, true, nil)
	return nil
}

// Update implements cache.ReflectorStore.
func (o *only) Update(obj any) error { return o.Add(obj) }

// Delete implements cache.ReflectorStore.
func (o *only) Delete(obj any) error {
	if o.isIt(obj) {
		o.w.learn(o.n, nil, false, nil)
	}
	return nil
}

// Replace implements cache.ReflectorStore.
func (o *only) Replace(list []any, _ string) error {
	for _, obj := range list {
		if o.isIt(obj) {
			return o.Add(obj)
		}
	}
	o.w.learn(o.n, nil, false, nil)
	return nil
}

// isIt guards against a server that does not know the selector.
func (o *only) isIt(obj any) bool {
	m, ok := obj.(metav1.Object)
	return ok && m.GetName() == o.n.ref.Name
}

// Resync implements cache.ReflectorStore; there is nothing to repeat.
func (o *only) Resync() error { return nil }

// contents is all of an object that anybody reads.
func contents(obj any) (map[string]string, error) {
	switch o := obj.(type) {
	case *corev1.Secret:
		data := make(map[string]string, len(o.Data))
		for k, v := range o.Data {
			data[k] = string(v)
		}
		return data, nil
	case *corev1.ConfigMap:
		return maps.Clone(o.Data), nil
	case *corev1.ServiceAccount:
		data := maps.Clone(o.Annotations)
		delete(data, corev1.LastAppliedConfigAnnotation)
		return data, nil
	}
	return nil, fmt.Errorf("unexpected %T", obj)
}

// single lists and watches one object; nil for a kind that cannot be. What the
// API server answered is told before the reflector hears it.
func single(c kubernetes.Interface, ref Ref, tell func(error)) (cache.ListerWatcher, runtime.Object) {
	core := c.CoreV1()
	switch ref.Kind {
	case KindSecret:
		return byName(source(core.Secrets(ref.Namespace), c), ref, tell, c), &corev1.Secret{}
	case KindConfigMap:
		return byName(source(core.ConfigMaps(ref.Namespace), c), ref, tell, c), &corev1.ConfigMap{}
	case KindServiceAccount:
		return byName(source(core.ServiceAccounts(ref.Namespace), c), ref, tell, c), &corev1.ServiceAccount{}
	}
	return nil, nil
}

// byName narrows a source to one name.
func byName(all cache.ListerWatcher, ref Ref, tell func(error), client any) cache.ListerWatcher {
	both := cache.ToListerWatcherWithContext(all)
	narrow := fields.OneTermEqualSelector(metav1.ObjectNameField, ref.Name).String()
	return cache.ToListWatcherWithWatchListSemantics(&cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.FieldSelector = narrow
			list, err := both.ListWithContext(ctx, o)
			tell(err)
			return list, err
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.FieldSelector = narrow
			stream, err := both.WatchWithContext(ctx, o)
			tell(err)
			return stream, err
		},
	}, client)
}

// get reads one object by a single request.
func get(ctx context.Context, c kubernetes.Interface, ref Ref) (data map[string]string, found bool, err error) {
	var obj any
	core := c.CoreV1()
	switch ref.Kind {
	case KindSecret:
		obj, err = core.Secrets(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	case KindConfigMap:
		obj, err = core.ConfigMaps(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	case KindServiceAccount:
		obj, err = core.ServiceAccounts(ref.Namespace).Get(ctx, ref.Name, metav1.GetOptions{})
	}
	if apierrors.IsNotFound(err) {
		return nil, false, nil
	}
	if err != nil {
		return nil, false, err
	}
	data, err = contents(obj)
	return data, err == nil, err
}
