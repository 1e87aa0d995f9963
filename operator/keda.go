package operator

import (
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/internal/version"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/operator/scaledjob"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/all"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/dynamic"
)

// keda is what serves the objects of keda.sh.
type keda struct {
	objects *scaledobject.Controller
	jobs    *scaledjob.Controller
	// observes says that nothing of keda.sh may be written.
	observes bool
	roll     *auth.Roll
	pool     *pool.Pool
	watched  *kube.Watched
	auths    *auth.Authentications
	feed     kube.Follower
}

// newKeda connects it; nothing runs yet.
func (p *parts) newKeda(s *scene) (*keda, error) {
	client, err := kube.NewKeda(p.clients.Config)
	if err != nil {
		return nil, err
	}
	reading := pool.DefaultOptions(trigger.Env{
		HTTP: sourceClient(), Log: p.config.Log, Now: schedule.Clock{}.Now,
		Cluster: kube.Surroundings{Pods: s.pods, Client: p.clients.Core},
	})
	reading.Metrics = s.registry
	k := &keda{observes: p.config.Mode == ModeObserve, pool: pool.New(reading)}
	inputs, specs, err := p.newInputs(k)
	if err != nil {
		return nil, err
	}
	ports := scaledobject.Ports{
		Scales: s.scales, Pods: s.pods, Kinds: all.Kinds().Find, Sources: k.pool, Objects: client,
		Inputs: inputs, Events: kube.ScaledObjectEvents{Events: p.events}, Records: s.book, Idle: s.idle, Keda: &kube.KedaPresence{Client: p.clients.Core, Clock: schedule.Clock{}.Now, Keep: kedaKept}, Measured: p.warm.done,
		Closed: p.gate.Closed,
	}
	ports.Autoscalers, ports.MetricsAPI = p.hpas(), p.externalRefusal
	ports.Resources, ports.ResourcesPolled = p.resources(s)
	k.objects = scaledobject.NewController(scaledobject.ControllerConfig{
		Ports: ports, Log: p.config.Log, Targets: s.targets, Workers: p.config.Workers,
		Settings: scaledobject.Settings{
			Defaults: p.config.Defaults, Observe: p.config.Mode == ModeObserve, Clock: schedule.Clock{}.Now, Meter: scaledobject.NewMeter(s.registry, version.String()),
			Actuation: p.config.Actuation, Version: version.String(),
		},
	})
	k.auths = specs
	inputs.Notify(k.objects.ReferenceChanged)
	k.jobs, k.roll = scaledjob.NewController(client), auth.NewRoll(client, len(p.config.WatchNamespaces) > 0)
	k.feed = kube.NewArrivals(v1alpha1.GroupVersion(), p.clients.Core.Discovery(), schedule.Clock{},
		client.ScaledObjectFeed(p.config.scope(), kube.Tee(k.objects.Sink(), k.roll.ScaledObjects())),
		client.ScaledJobFeed(p.config.scope(), kube.Tee(k.jobs.Sink(), k.roll.ScaledJobs())),
		client.TriggerAuthenticationFeed(p.config.scope(), kube.Tee(specs.Namespaced(), k.roll.Namespaced())),
		client.ClusterTriggerAuthenticationFeed(kube.Tee(specs.Cluster(), k.roll.Cluster())),
	)
	return k, nil
}

// newInputs connects what triggers refer to: authentications, of which all are
// known, and secrets, config maps and service accounts, watched one by one.
func (p *parts) newInputs(k *keda) (*auth.Inputs, *auth.Authentications, error) {
	objects, err := dynamic.NewForConfig(p.clients.Config)
	if err != nil {
		return nil, nil, fmt.Errorf("client for pod templates: %w", err)
	}
	var inputs *auth.Inputs // told by what it is built from
	changed := func(ref kube.Ref) { inputs.Changed(ref) }
	specs := &auth.Authentications{Changed: changed}
	k.watched = kube.NewWatched(kube.WatchedConfig{
		Calls: p.clients.Core, Watches: p.clients.Watch, Clock: schedule.Clock{}, Log: p.config.Log, Changed: changed,
	})
	inputs = auth.NewInputs(p.config.authSettings(), specs, k.watched, kube.NewPodSpecs(p.clients.Mapper, objects))
	return inputs, specs, nil
}

// kedaKept is for how long what is known of KEDA counts: thousands of its
// objects may ask at once.
const kedaKept = 10 * time.Second

// lead serves until ctx ends.
func (k *keda) lead(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.watched.Run(ctx) })
	group.Go(func() error { return k.pool.Run(ctx) })
	group.Go(func() error { return k.objects.Lead(ctx) })
	if !k.observes {
		group.Go(func() error { return k.jobs.Lead(ctx) })
		group.Go(func() error { return k.roll.Lead(ctx) })
	}
	return group.Wait()
}

const (
	// sourceConnections is how many idle connections are kept to one host:
	// hundreds of triggers may read one Prometheus.
	sourceConnections = 100
	// sourceTimeout is the outer bound of one request: the longest that a user may
	// give a trigger. Each read has its own, shorter one from the pool.
	sourceTimeout = 5 * time.Minute
)

// sourceClient is what triggers speak HTTP with: one pool of connections for all.
func sourceClient() *http.Client {
	transport := &http.Transport{
		Proxy:               http.ProxyFromEnvironment, // as KEDA's triggers
		MaxIdleConnsPerHost: sourceConnections,
		IdleConnTimeout:     90 * time.Second, // KEDA's default
		TLSHandshakeTimeout: 10 * time.Second,
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     &tls.Config{MinVersion: tls.VersionTLS12},
	}
	return &http.Client{Transport: transport, Timeout: sourceTimeout}
}
