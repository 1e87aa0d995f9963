// Package route leads requests to ready pods: by the address of a Service, or by its name through a forward proxy.
//
// A cluster has kube-proxy and DNS for that. The lab has neither, because addresses below 127.0.0.0/8 may not stand in
// endpoints and a process cannot be given a name server of its own: a listener on each Service address takes
// connections, and each namespace has an HTTP proxy that knows names as its pods would.
package route

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"sync"

	"github.com/furl-dev/furl/lab/route/loopback"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Ports tells where a port of a pod really is; agent.Ports does.
type Ports interface {
	// Lookup gives the host:port behind a port of a pod, or false when nothing of the lab listens there.
	Lookup(ip string, port int32) (string, bool)
}

// Config is what a Router needs.
type Config struct {
	Client    kubernetes.Interface
	Ports     Ports
	Proxies   netip.Prefix // where the forward proxies listen, one address for each namespace
	APIServer string       // host:port behind the Service default/kubernetes
	Log       *slog.Logger
}

// Router routes for one lab.
type Router struct {
	Config

	services  corev1listers.ServiceLister
	pods      corev1listers.PodLister
	queue     workqueue.TypedRateLimitingInterface[cache.ObjectName]
	transport *http.Transport
	table     table
	doors     doors
	proxies   proxies
	ended     sync.WaitGroup // everything that was started
}

// New makes a router, which does nothing until it runs.
func New(c Config) *Router {
	return &Router{
		Config:    c,
		queue:     workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]()),
		transport: newTransport(),
		table:     table{services: map[cache.ObjectName]*service{}, byIP: map[string]cache.ObjectName{}},
		doors:     doors{open: map[cache.ObjectName]map[int32]*door{}},
		proxies:   proxies{byNamespace: map[string]*proxy{}, free: c.Proxies.Addr()},
	}
}

// Run routes until ctx ends, and returns when nothing of it listens or copies any more. It calls ready once it knows
// every Service and pod that there is.
func (r *Router) Run(ctx context.Context, ready func()) error {
	ctx, cancel := context.WithCancel(ctx)
	defer r.ended.Wait()
	defer r.queue.ShutDown()
	defer r.transport.CloseIdleConnections()
	defer cancel()
	if err := r.proxies.begin(ctx, r); err != nil {
		return err
	}
	defer r.proxies.close()
	defer r.doors.closeAll()

	factory := informers.NewSharedInformerFactoryWithOptions(r.Client, 0, informers.WithTransform(strip))
	defer factory.Shutdown()
	defer cancel() // before Shutdown, which waits
	services, pods := factory.Core().V1().Services(), factory.Core().V1().Pods()
	r.services, r.pods = services.Lister(), pods.Lister()
	if err := r.follow(services.Informer(), pods.Informer()); err != nil {
		return err
	}
	factory.StartWithContext(ctx)
	if !cache.WaitForCacheSync(ctx.Done(), services.Informer().HasSynced, pods.Informer().HasSynced) {
		return nil // ctx ended
	}
	r.ended.Go(func() { r.work(ctx) })
	ready()
	<-ctx.Done()
	return nil
}

// strip drops what routing does not read.
func strip(o any) (any, error) {
	if p, ok := o.(*corev1.Pod); ok {
		p.ManagedFields, p.Annotations, p.Spec.Volumes = nil, nil, nil
	}
	return o, nil
}

func (r *Router) follow(services, pods cache.SharedIndexInformer) error {
	_, errServices := services.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    r.serviceChanged,
		UpdateFunc: func(_, o any) { r.serviceChanged(o) },
		DeleteFunc: r.serviceChanged,
	})
	_, errPods := pods.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    r.podChanged,
		UpdateFunc: func(o, n any) { r.podChanged(o); r.podChanged(n) },
		DeleteFunc: r.podChanged,
	})
	if err := errors.Join(errServices, errPods); err != nil {
		return fmt.Errorf("watch services and pods: %w", err)
	}
	return nil
}

func (r *Router) serviceChanged(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	if s, ok := o.(*corev1.Service); ok {
		r.queue.Add(cache.MetaObjectToName(s))
	}
}

// podChanged has every Service looked at that selects the pod.
func (r *Router) podChanged(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	p, ok := o.(*corev1.Pod)
	if !ok {
		return
	}
	for _, name := range r.table.selecting(p) {
		r.queue.Add(name)
	}
}

// work keeps the table and the listeners as the Services and pods are. One worker is enough, and none races another.
func (r *Router) work(ctx context.Context) {
	for {
		name, stop := r.queue.Get()
		if stop || ctx.Err() != nil {
			return
		}
		if err := r.sync(ctx, name); err != nil {
			r.Log.WarnContext(ctx, "service not routed", "service", name.String(), "reason", err)
			r.queue.AddRateLimited(name)
		} else {
			r.queue.Forget(name)
		}
		r.queue.Done(name)
	}
}

func (r *Router) sync(ctx context.Context, name cache.ObjectName) error {
	object, err := r.services.Services(name.Namespace).Get(name.Name)
	if err != nil { // the lister knows one error only: not found
		r.table.remove(name)
		r.doors.close(name)
		return nil //nolint:nilerr // the Service is gone, and so is its route
	}
	known := r.table.knows(name)
	s, err := r.build(object)
	if err != nil {
		return err
	}
	r.table.put(name, s)
	if !known {
		// Pods that changed between the listing and the table were not reported to this Service.
		r.queue.Add(name)
	}
	return r.doors.set(ctx, r, name, s)
}

// Proxy returns the URL of the forward proxy for pods of a namespace, and none when it cannot be opened.
func (r *Router) Proxy(namespace string) string {
	p, err := r.proxies.of(namespace)
	if err != nil {
		r.Log.Warn("proxy not opened", "namespace", namespace, "reason", err)
		return ""
	}
	return "http://" + p.address
}

// dial connects to the first of the addresses that answers.
func dial(ctx context.Context, addresses []string) (conn, error) {
	var errs []error
	for _, a := range addresses {
		c, err := loopback.Dial(ctx, "tcp", a)
		if err == nil {
			return halfCloser(c)
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}
