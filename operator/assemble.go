package operator

import (
	"context"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/record"
	"github.com/furl-dev/furl/resource"
	"github.com/furl-dev/furl/schedule"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// assemble connects the parts; nothing runs yet but the sender of events.
func assemble(ctx context.Context, c *Config, config *rest.Config) (*parts, error) {
	clients, err := kube.NewClients(config)
	if err != nil {
		return nil, err
	}
	apis, err := kube.NewMetricsAPIs(clients.Config, clients.Core.Discovery(), clients.Mapper)
	if err != nil {
		return nil, err
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p := &parts{
		config: c, clients: clients, apis: apis,
		events: kube.NewEvents(ctx, clients.Core),
		health: newHealth(c.MetricsBindAddress, registry, c.Log),
	}
	var controller *hpa.Controller // told by what it is built from
	pods := kube.NewPods(func(owner types.NamespacedName) { controller.PodsChanged(owner) })
	workloads := kube.NewWorkloads(func(t kube.Target) { controller.TargetChanged(t) })
	nodes := newNodes()
	store := resource.NewStore(c.Scrape.MetricResolution)
	book := record.NewBook(record.DefaultBudget)

	ports := hpa.Ports{
		Scales: kube.NewScales(clients.Mapper, clients.Scale, workloads, schedule.Clock{}.Now),
		Pods:   pods, Custom: hpa.APIs{APIs: apis}, External: hpa.APIs{APIs: apis},
		Status: kube.AutoscalerStatus{Client: clients.Core.AutoscalingV2()}, Events: p.events,
		Records: book,
	}
	if c.ResourceMetrics == ResourceAPI {
		ports.Resources, ports.ResourcesPolled = hpa.APIs{APIs: apis}, true
	} else {
		ports.Resources = hpa.StoreResources{Usage: store}
		p.scraper = p.newScraper(config, nodes, store)
		p.scraper.Metrics = registry
		registry.MustRegister(newAges(nodes, store, schedule.Clock{}.Now))
	}
	if p.server, err = p.newServer(store, book, pods, nodes); err != nil {
		return nil, err
	}
	controller = hpa.NewController(hpa.ControllerConfig{
		Control: hpa.Control(c.Control), Unserved: c.UnservedAfter, Ports: ports, Notices: p.events, Log: c.Log, Workers: c.Workers,
		Settings: hpa.Settings{Defaults: c.Defaults, Clock: schedule.Clock{}.Now, Meter: hpa.NewMeter(registry)},
	})
	p.controller = controller
	store.Subscribe(func(s resource.Scraped) {
		for _, pod := range s.Pods {
			controller.PodSampled(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		}
	})
	p.feeds = append(kube.WorkloadFeeds(clients.Watch, workloads),
		kube.PodFeed(clients.Watch, pods),
		kube.NodeFeed(clients.Watch, nodes),
		kube.AutoscalerFeed(clients.Watch, controller.Sink()),
	)
	return p, nil
}

func (p *parts) newScraper(config *rest.Config, nodes *nodes, store *resource.Store) *resource.Scraper {
	return &resource.Scraper{
		Options: p.config.Scrape, Access: resource.AccessFrom(config, p.config.Scrape),
		Nodes: nodes, Store: store, Waiter: schedule.Clock{}, Clock: schedule.Clock{}.Now, Log: p.config.Log,
	}
}

func (p *parts) newServer(store *resource.Store, book *record.Book, pods *kube.Pods, nodes *nodes) (*metricsapi.Server, error) {
	c := p.config
	c.Serving.Ask(c.Kubeconfig)
	c.Serving.DNSNames = append(c.Serving.DNSNames, served(c.Namespace)...)
	groups := []metricsapi.Group{metricsapi.Decisions(book, schedule.Clock{}.Now)}
	if c.ResourceMetrics == ResourceSelf {
		groups = append(groups, metricsapi.Metrics(metricsapi.Usage{
			Store: store, Pods: listedPods{pods}, Nodes: listedNodes{nodes}, Clock: schedule.Clock{}.Now,
		}))
	}
	return metricsapi.New(metricsapi.Config{Options: c.Serving, Groups: groups})
}
