package operator

import (
	"context"
	"crypto/tls"
	"net/http"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/operator/scaledjob"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/triggers/all"
	"golang.org/x/sync/errgroup"
)

// keda is what serves the objects of keda.sh.
type keda struct {
	objects *scaledobject.Controller
	jobs    *scaledjob.Controller
	pool    *pool.Pool
	feed    kube.Follower
}

// newKeda connects it; nothing runs yet.
func (p *parts) newKeda(s *scene) (*keda, error) {
	client, err := kube.NewKeda(p.clients.Config)
	if err != nil {
		return nil, err
	}
	k := &keda{pool: pool.New(pool.DefaultOptions(trigger.Env{
		HTTP: sourceClient(), Log: p.config.Log, Now: schedule.Clock{}.Now,
		Cluster: kube.Surroundings{Pods: s.pods, Client: p.clients.Core},
	}))}
	ports := scaledobject.Ports{
		Scales: s.scales, Pods: s.pods, Kinds: all.Kinds().Find, Sources: k.pool, Objects: client,
		Inputs: inputs{}, Events: kube.ScaledObjectEvents{Events: p.events}, Records: s.book,
	}
	ports.Resources, ports.ResourcesPolled = p.resources(s)
	k.objects = scaledobject.NewController(scaledobject.ControllerConfig{
		Ports: ports, Log: p.config.Log, Targets: s.targets, Workers: p.config.Workers,
		Settings: scaledobject.Settings{
			Defaults: p.config.Defaults, Clock: schedule.Clock{}.Now, Meter: scaledobject.NewMeter(s.registry, p.config.Version),
		},
	})
	k.jobs = scaledjob.NewController(client)
	k.feed = kube.NewArrivals(v1alpha1.GroupVersion(), p.clients.Core.Discovery(), schedule.Clock{},
		client.ScaledObjectFeed(k.objects.Sink()),
		client.ScaledJobFeed(k.jobs.Sink()),
	)
	return k, nil
}

// lead serves until ctx ends.
func (k *keda) lead(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return k.pool.Run(ctx) })
	group.Go(func() error { return k.objects.Lead(ctx) })
	group.Go(func() error { return k.jobs.Lead(ctx) })
	return group.Wait()
}

const (
	// sourceConnections is how many idle connections are kept to one host:
	// hundreds of triggers may read one Prometheus.
	sourceConnections = 100
	// sourceTimeout is the outer bound of one request; the pool's is shorter.
	sourceTimeout = 30 * time.Second
)

// sourceClient is what triggers speak HTTP with: one pool of connections for all.
func sourceClient() *http.Client {
	transport := &http.Transport{
		Proxy:                 http.ProxyFromEnvironment, // as KEDA's triggers
		MaxIdleConnsPerHost:   sourceConnections,
		IdleConnTimeout:       90 * time.Second, // KEDA's default
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: sourceTimeout,
		ForceAttemptHTTP2:     true,
		TLSClientConfig:       &tls.Config{MinVersion: tls.VersionTLS12},
	}
	return &http.Client{Transport: transport, Timeout: sourceTimeout}
}
