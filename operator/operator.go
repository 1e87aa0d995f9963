// Package operator runs Furl in a cluster: it watches, measures, leads,
// decides and serves, as one group that begins and ends together.
package operator

//go:generate go test -run ^TestMetrics_are_those_of_the_reference$ . -update

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/beside"
	"github.com/furl-dev/furl/operator/freeze"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/operator/webhook"
	"github.com/furl-dev/furl/resource"
	"github.com/furl-dev/furl/schedule"
	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/sync/errgroup"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// rediscovery is how often new kinds and new versions of the metrics APIs are
// looked for; upstream's controller manager does it as often.
const rediscovery = 30 * time.Second

// Run works until ctx ends, then ends the turns under way and releases the
// lease. It fails at once when the configuration or the cluster cannot be used.
func Run(ctx context.Context, c Config) error {
	if err := c.Validate(); err != nil {
		return err
	}
	config, err := restConfig(c.Kubeconfig)
	if err != nil {
		return err
	}
	p, err := assemble(ctx, &c, config, prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer p.events.Close()
	return p.run(ctx)
}

// restConfig is the access to the cluster.
func restConfig(kubeconfig string) (*rest.Config, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("access to the cluster (--kubeconfig %q): %w", kubeconfig, err)
	}
	return config, nil
}

// parts are what runs.
type parts struct {
	config     *Config
	clients    *kube.Clients
	apis       *kube.MetricsAPIs
	fence      *kube.Fence // nil where one replica runs without a lease
	gate       *freeze.Gate
	events     *kube.Events
	controller *hpa.Controller
	keda       *keda             // nil when Furl serves no ScaledObjects
	scraper    *resource.Scraper // nil when resource metrics come from the API
	warm       *warmth
	server     *metricsapi.Server
	webhooks   *webhook.Server // nil when Furl serves none
	// certificates are those of server and webhooks.
	certificates *certificates
	feeds        []kube.Follower
	beside       *beside.Watch
	health       *health
	leading      prometheus.Gauge // 1 while this process decides
	external     kube.APIHolder   // who answers for external.metrics.k8s.io
}

// run starts everything in the order in which it depends on each other, and
// ends everything when one part ends.
func (p *parts) run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	p.health.waits.Store(new(p.unsynced))
	group.Go(func() error { return p.health.serve(ctx) })
	for _, f := range p.feeds {
		group.Go(func() error { return f.Run(ctx) })
	}
	group.Go(func() error { return p.rediscover(ctx) })
	group.Go(func() error { return p.beside.Run(ctx) })
	group.Go(func() error { return p.gate.Run(ctx) })
	group.Go(func() error { return p.server.Run(ctx) })
	group.Go(func() error { return p.certificates.follow(ctx) })
	group.Go(func() error {
		if err := p.synced(ctx); err != nil {
			return nil //nolint:nilerr // ctx ended before the first lists did
		}
		p.health.waits.Store(nil)
		p.config.Log.InfoContext(ctx, "watches are synced", "hpa_controller", p.config.Control, "resource_metrics", p.config.ResourceMetrics)
		group.Go(func() error { return p.scrape(ctx) })
		group.Go(func() error { return p.admit(ctx) })
		return p.lead(ctx)
	})
	return group.Wait()
}

// slowSync is when watches that have no list yet are worth a line: a
// permission may be missing.
const slowSync = 10 * time.Second

// synced waits for the first list of every watch.
func (p *parts) synced(ctx context.Context) error {
	slow, stop := context.WithTimeout(ctx, slowSync)
	defer stop()
	defer context.AfterFunc(slow, func() {
		if ctx.Err() == nil {
			p.config.Log.WarnContext(ctx, "watches are not synced yet; may Furl list and watch these?", "kinds", p.unsynced())
		}
	})()
	for _, f := range p.feeds {
		select {
		case <-f.Synced():
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// unsynced names the watches without a first list.
func (p *parts) unsynced() []string {
	var names []string
	for _, f := range p.feeds {
		select {
		case <-f.Synced():
		default:
			names = append(names, f.Name())
		}
	}
	return names
}

// scrape measures the pods, unless somebody else does.
func (p *parts) scrape(ctx context.Context) error {
	if p.scraper == nil {
		p.warm.up()
		return nil
	}
	var warming sync.WaitGroup
	warming.Go(func() { p.warm.watch(ctx) })
	defer warming.Wait()
	return p.scraper.Run(ctx)
}

// rediscover looks for new kinds and versions from time to time.
func (p *parts) rediscover(ctx context.Context) error {
	clock := schedule.Clock{}
	for clock.Wait(ctx, clock.Now().Add(rediscovery)) == nil {
		p.clients.Mapper.Reset()
		p.apis.Rediscover()
	}
	return nil
}
