// Package simnode pretends to be many nodes: their pods run nothing, become ready after a while, and use what an annotation says.
//
// To the API server and to whoever scrapes them they are nodes like others, so that a cluster of a thousand nodes fits
// a laptop. They are tainted; a pod that shall land there must tolerate it:
//
//	tolerations: [{key: furl.dev/simulated, operator: Exists}]
package simnode

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/agent/kubelet"
	"github.com/furl-dev/furl/lab/route/loopback"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corev1listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/util/workqueue"
)

// Simulated is the label and the taint of these nodes.
const Simulated = "furl.dev/simulated"

const (
	podWorkers  = 8
	nodeWorkers = 8
	// resync is off: everything that changes sends an event, and pods that wait are queued for their instant.
	resync = 0
)

// Config is what a fleet of simulated nodes needs.
type Config struct {
	Client       kubernetes.Interface // may do everything
	Count        int
	Addresses    netip.Prefix // of the kubelets, one each, within 127.0.0.0/8
	PodAddresses netip.Prefix // of pods; nothing ever listens there
	// Serving gives the kubelet of a node its certificate, with the address as IP SAN.
	Serving    func(node string, address netip.Addr) (tls.Certificate, error)
	ClientCAs  *x509.CertPool // whose certificates may read metrics; so may tokens that may get nodes/metrics
	Capacity   corev1.ResourceList
	StartDelay time.Duration // between a pod's arrival on its node and its being ready
	// Housekeeping is how often a node measures what it tells, as a kubelet does each 10 s; each time it is asked unless set.
	Housekeeping time.Duration
	Log          *slog.Logger
}

// fleet is all simulated nodes of a lab.
type fleet struct {
	Config

	lister corev1listers.PodLister
	byNode cache.Indexer
	queue  workqueue.TypedRateLimitingInterface[cache.ObjectName]

	nodes map[string]*node // fixed once built

	mu        sync.Mutex // guards all below
	pods      map[cache.ObjectName]*pod
	addresses pool
}

// node is one simulated node and its kubelet's address.
type node struct {
	name     string
	listener net.Listener
	port     int32
	address  netip.Addr
}

// Run keeps the nodes and their pods until ctx ends. The node objects stay: nobody heartbeats for them any more. It
// calls ready once every node is registered.
func Run(ctx context.Context, c Config, ready func()) error {
	if c.Count == 0 {
		ready()
		<-ctx.Done()
		return nil
	}
	f := &fleet{
		Config: c, nodes: map[string]*node{}, pods: map[cache.ObjectName]*pod{},
		addresses: newPool(c.PodAddresses),
		queue:     workqueue.NewTypedRateLimitingQueue(workqueue.DefaultTypedControllerRateLimiter[cache.ObjectName]()),
	}
	defer f.queue.ShutDown()
	if err := f.listen(ctx); err != nil {
		return err
	}
	informer, err := f.watch()
	if err != nil {
		return err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { informer.RunWithContext(ctx); return nil })
	for _, n := range f.nodes {
		g.Go(func() error { return f.serve(ctx, n) })
	}
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return errors.Join(ctx.Err(), g.Wait())
	}
	if err := f.register(ctx); err != nil {
		g.Go(func() error { return err })
		return g.Wait()
	}
	g.Go(func() error { f.heartbeats(ctx); return nil })
	for range podWorkers {
		g.Go(func() error { f.work(ctx); return nil })
	}
	g.Go(func() error { <-ctx.Done(); f.queue.ShutDown(); return nil })
	ready()
	return g.Wait()
}

// Name is that of the i-th node.
func Name(i int) string { return fmt.Sprintf("sim-%d", i) }

// listen opens the kubelets' ports: each on an address of its own and all on the same port, or each on a port of its own
// where the machine knows no loopback address but 127.0.0.1.
func (f *fleet) listen(ctx context.Context) error {
	port, address := 0, f.Addresses.Addr()
	for i := range f.Count {
		address = address.Next()
		n := &node{name: Name(i), address: address}
		l, err := listen(ctx, address, port)
		if err != nil {
			n.address = netip.AddrFrom4([4]byte{127, 0, 0, 1})
			l, err = listen(ctx, n.address, 0)
		}
		if err != nil {
			for _, open := range f.nodes {
				_ = open.listener.Close()
			}
			return fmt.Errorf("open the kubelet's port of %s: %w", n.name, err)
		}
		at, err := netip.ParseAddrPort(l.Addr().String())
		if err != nil {
			return fmt.Errorf("read the kubelet's address of %s: %w", n.name, err)
		}
		n.listener, n.port = l, int32(at.Port())
		if port == 0 && n.address == address {
			port = int(at.Port())
		}
		f.nodes[n.name] = n
	}
	return nil
}

func listen(ctx context.Context, a netip.Addr, port int) (net.Listener, error) {
	return loopback.Listen(ctx, net.JoinHostPort(a.String(), strconv.Itoa(port)))
}

func (f *fleet) serve(ctx context.Context, n *node) error {
	cert, err := f.Serving(n.name, n.address)
	if err != nil {
		return err
	}
	s := &kubelet.Server{
		Node: n.name, Client: f.Client, ClientCAs: f.ClientCAs, Serving: cert,
		Pods: nothing{}, Metrics: f.metrics(n.name), Log: f.Log,
	}
	return s.Serve(ctx, n.listener)
}

const nodeIndex = "node"

// watch follows the pods that were scheduled, and keeps of each what the fleet reads.
func (f *fleet) watch() (cache.SharedIndexInformer, error) {
	factory := informers.NewSharedInformerFactoryWithOptions(f.Client, resync,
		informers.WithTransform(func(o any) (any, error) {
			if p, ok := o.(*corev1.Pod); ok {
				p.ManagedFields = nil
			}
			return o, nil
		}))
	pods := factory.Core().V1().Pods()
	informer := pods.Informer()
	f.lister, f.byNode = pods.Lister(), informer.GetIndexer()
	if err := informer.AddIndexers(cache.Indexers{nodeIndex: func(o any) ([]string, error) {
		if p, ok := o.(*corev1.Pod); ok && f.nodes[p.Spec.NodeName] != nil {
			return []string{p.Spec.NodeName}, nil
		}
		return nil, nil
	}}); err != nil {
		return nil, fmt.Errorf("index pods by node: %w", err)
	}
	_, err := informer.AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    f.enqueue,
		UpdateFunc: func(_, o any) { f.enqueue(o) },
		DeleteFunc: f.enqueue,
	})
	if err != nil {
		return nil, fmt.Errorf("watch pods: %w", err)
	}
	return informer, nil
}

func (f *fleet) enqueue(o any) {
	if gone, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = gone.Obj
	}
	if p, ok := o.(*corev1.Pod); ok && f.nodes[p.Spec.NodeName] != nil {
		f.queue.Add(cache.MetaObjectToName(p))
	}
}
