package kube

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
)

// FieldManager is the name under which Furl writes: what it wrote can be told
// from what others wrote by it.
const FieldManager = "furl"

// Client limits. One process does what a controller manager, an adapter and a
// metrics server did with 20 requests a second each and more; a burst covers a
// thousand workloads that all change their size at once.
const (
	qps   = 200
	burst = 1000
	// eventQPS bounds what users are told apart from that, so that it takes
	// nothing from what is done: 2,000 events of a start take 20 s.
	eventQPS   = 100
	eventBurst = 100
	// callTimeout bounds every request but a watch.
	callTimeout = 10 * time.Second
)

// Clients are the connections to one API server.
type Clients struct {
	// Config is the configuration that the clients were made from.
	Config *rest.Config
	// Core speaks to the built-in kinds, Watch does too and has no timeout.
	Core, Watch kubernetes.Interface
	// Events has limits of its own.
	Events typedcore.EventsGetter
	// Mapper finds the resources of a kind and learns of new kinds.
	Mapper meta.ResettableRESTMapper
	// Scale is the /scale subresource of any kind.
	Scale Endpoint
	// Leases has limits of its own, so that no other call holds up a renewal.
	Leases coordinationclient.LeasesGetter
}

// Access is how an API server is reached.
type Access struct {
	Config *rest.Config
	// Identity tells this process from others in the server's audit log; empty for a command.
	Identity string
	// Fence is what every write has to pass; nil lets all of them.
	Fence *Fence
	// Term is the timing of the lease that the fence is about.
	Term Term
}

// forever is the configuration of watches, which have no timeout.
func (c *Clients) forever() *rest.Config {
	f := rest.CopyConfig(c.Config)
	f.Timeout = 0
	return f
}

// NewClients connects to the API server of a, whose configuration it does not modify.
func NewClients(a Access) (*Clients, error) {
	c := a.Config
	calls := rest.CopyConfig(c)
	calls.QPS, calls.Burst, calls.Timeout = qps, burst, callTimeout
	calls.UserAgent = FieldManager
	if a.Identity != "" {
		calls.UserAgent += "/" + a.Identity // a field manager is what stands before the slash
	}
	if a.Fence != nil {
		calls.Wrap(a.Fence.Wrap)
		calls.Dial = prompt(a.Term.Duration - a.Term.RenewDeadline)
	}
	typed := rest.CopyConfig(calls)
	typed.ContentType, typed.AcceptContentTypes = runtime.ContentTypeProtobuf, runtime.ContentTypeProtobuf+","+runtime.ContentTypeJSON
	core, err := kubernetes.NewForConfig(typed)
	if err != nil {
		return nil, fmt.Errorf("client of %s: %w", c.Host, err)
	}
	forever := rest.CopyConfig(typed)
	forever.Timeout = 0
	watch, err := kubernetes.NewForConfig(forever)
	if err != nil {
		return nil, fmt.Errorf("watching client of %s: %w", c.Host, err)
	}
	telling := rest.CopyConfig(typed)
	telling.QPS, telling.Burst = eventQPS, eventBurst
	events, err := typedcore.NewForConfig(telling)
	if err != nil {
		return nil, fmt.Errorf("client of events of %s: %w", c.Host, err)
	}
	leases, err := newLeases(typed, a.Term)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(core.Discovery()))
	scales, err := scale.NewForConfig(calls, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(core.Discovery()))
	if err != nil {
		return nil, fmt.Errorf("scale client of %s: %w", c.Host, err)
	}
	return &Clients{Config: calls, Core: core, Watch: watch, Events: events, Leases: leases, Mapper: mapper, Scale: NewEndpoint(core, scales)}, nil
}

// newLeases is the client of leases. Half of the time for a renewal is enough for
// one call, so that there is a second.
func newLeases(typed *rest.Config, t Term) (coordinationclient.LeasesGetter, error) {
	own := rest.CopyConfig(typed)
	if t.RenewDeadline > 0 {
		own.Timeout = t.RenewDeadline / 2
	}
	leases, err := coordinationclient.NewForConfig(own)
	if err != nil {
		return nil, fmt.Errorf("client of leases of %s: %w", own.Host, err)
	}
	return leases, nil
}
