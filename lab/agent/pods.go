package agent

import (
	"context"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

// watchPods gives every pod bound to this node a worker, and tells it of changes, until ctx ends and the workers have.
func (a *agent) watchPods(ctx context.Context) error {
	factory := informers.NewSharedInformerFactoryWithOptions(a.Client, 0, informers.WithTweakListOptions(func(o *metav1.ListOptions) {
		o.FieldSelector = fields.OneTermEqualSelector("spec.nodeName", a.NodeName).String()
	}))
	informer := factory.Core().V1().Pods().Informer()
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(o any) { a.seen(ctx, o) },
		UpdateFunc: func(_, o any) { a.seen(ctx, o) },
		DeleteFunc: a.vanished,
	})
	if err != nil {
		return fmt.Errorf("watching the pods of node %s: %w", a.NodeName, err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	a.mu.Lock()
	workers := make([]*worker, 0, len(a.workers))
	for _, w := range a.workers {
		workers = append(workers, w)
	}
	a.mu.Unlock()
	for _, w := range workers {
		<-w.ended
	}
	return nil
}

func (a *agent) seen(ctx context.Context, o any) {
	pod, ok := o.(*corev1.Pod)
	if !ok || ctx.Err() != nil {
		return
	}
	a.mu.Lock()
	w := a.workers[pod.UID]
	if w == nil {
		w = newWorker(a, pod)
		a.workers[pod.UID] = w
		a.mu.Unlock()
		go w.run(ctx)
		return
	}
	a.mu.Unlock()
	w.observe(pod)
}

func (a *agent) vanished(o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	pod, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	a.mu.Lock()
	w := a.workers[pod.UID]
	a.mu.Unlock()
	if w != nil {
		w.vanish(pod)
	}
}

// forget drops a worker that has ended, and keeps what its pod used.
func (a *agent) forget(w *worker) {
	used := w.cpu()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.cpu += used
	delete(a.workers, w.uid)
}

var errNoPod = errors.New("no such pod on this node")

// find gives the worker of a pod by name; of two pods that followed each other, the one that is not being deleted.
func (a *agent) find(namespace, name string) (*worker, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	var found *worker
	for _, w := range a.workers {
		if w.namespace != namespace || w.name != name {
			continue
		}
		if found == nil || found.isEnding() {
			found = w
		}
	}
	if found == nil {
		return nil, fmt.Errorf("pod %s/%s: %w", namespace, name, errNoPod)
	}
	return found, nil
}
