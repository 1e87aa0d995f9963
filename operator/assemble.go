package operator

import (
	"context"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/operator/freeze"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/operator/measure"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/record"
	"github.com/furl-dev/furl/resource"
	"github.com/furl-dev/furl/schedule"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
)

// metrics is where the parts register theirs; *prometheus.Registry is one.
type metrics interface {
	prometheus.Registerer
	prometheus.Gatherer
}

// assemble connects the parts; nothing runs yet but the sender of events.
func assemble(ctx context.Context, c *Config, config *rest.Config, registry metrics) (*parts, error) {
	access := kube.Access{Config: kube.Counted(config, registry), Identity: c.Identity, Term: c.Term}
	if c.LeaderElect {
		access.Fence = kube.NewFence(c.Term, schedule.Clock{}.Now)
	}
	clients, err := kube.NewClients(access)
	if err != nil {
		return nil, err
	}
	apis, err := kube.NewMetricsAPIs(clients.Config, clients.Core.Discovery(), clients.Mapper)
	if err != nil {
		return nil, err
	}
	registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	p := &parts{
		config: c, clients: clients, apis: apis, fence: access.Fence,
		events:  kube.NewEvents(ctx, kube.EventsConfig{Client: clients.Events, Clock: schedule.Clock{}, Metrics: registry}),
		health:  newHealth(c.MetricsBindAddress, registry, c.Log),
		leading: prometheus.NewGauge(prometheus.GaugeOpts{Name: "furl_leading", Help: "1 while this process is the one that decides."}),
	}
	p.gate = freeze.NewGate(freeze.Config{Own: c.Namespace, Clock: schedule.Clock{}, Log: c.Log, Changed: p.refrozen})
	registry.MustRegister(p.leading, freeze.NewMeter(p.gate))
	s := newScene(c, clients, registry, func(t kube.Target) { p.targetChanged(t) }, func(owner types.NamespacedName) { p.podsChanged(owner) })
	p.warm = newWarmth(s.nodes, s.store, schedule.Clock{})
	p.measure(config, s)
	p.beside = p.newBeside(registry)
	if p.certificates, err = newCertificates(c, clients); err != nil {
		return nil, err
	}
	registry.MustRegister(newExpiry(p.certificates.serving(c)))
	if p.server, err = p.newServer(s); err != nil {
		return nil, err
	}
	if err = p.followExternal(); err != nil {
		return nil, err
	}
	p.controller = p.newAutoscalers(s)
	late := map[string]func() time.Duration{"hpa": p.controller.Late}
	if c.ScaledObjects == ScaledObjectsOn {
		if p.keda, err = p.newKeda(s); err != nil {
			return nil, err
		}
		s.targets.Changed = p.keda.objects.TargetChanged
		late["scaledobject"] = p.keda.objects.Late
		p.feeds = append(p.feeds, p.keda.feed)
	}
	registry.MustRegister(newOverdue(late))
	if p.webhooks, err = p.newWebhooks(s); err != nil {
		return nil, err
	}
	p.feeds = append(p.feeds, kube.WorkloadFeeds(clients.Watch, c.scope(), s.workloads)...)
	p.feeds = append(p.feeds,
		kube.PodFeed(clients.Watch, c.scope(), s.pods),
		kube.FreezeFeed(clients.Watch, c.scopeWithOwn(), p.gate),
		kube.NodeFeed(clients.Watch, s.nodes),
		kube.AutoscalerFeed(clients.Watch, c.scope(), p.controller.Sink()),
	)
	return p, nil
}

// measure connects what is known of pods to whoever decides by it.
func (p *parts) measure(config *rest.Config, s *scene) {
	if p.config.ResourceMetrics == ResourceSelf {
		p.scraper = p.newScraper(config, s.nodes, s.store)
		p.scraper.Metrics = s.registry
		s.registry.MustRegister(newAges(s.nodes, s.store, schedule.Clock{}.Now))
	}
	s.store.Subscribe(func(scraped resource.Scraped) {
		for _, pod := range scraped.Pods {
			p.podSampled(types.NamespacedName{Namespace: pod.Namespace, Name: pod.Name})
		}
	})
}

// scene is what the controllers of all kinds share.
type scene struct {
	registry  prometheus.Registerer
	pods      *kube.Pods
	workloads *kube.Workloads
	scales    *kube.Scales
	targets   *kube.Targets
	nodes     *nodes
	store     *resource.Store
	book      *record.Book
	idle      *busy.Ranker
	told      actuation.Told
}

func newScene(c *Config, clients *kube.Clients, r prometheus.Registerer, target func(kube.Target), owner func(types.NamespacedName)) *scene {
	s := &scene{
		registry: r, pods: kube.NewPods(owner), workloads: kube.NewWorkloads(target), targets: new(kube.Targets),
		nodes: newNodes(), store: resource.NewStore(c.Scrape.MetricResolution), book: record.NewBook(record.DefaultBudget),
	}
	s.told = actuation.Told{Book: s.book, Clock: schedule.Clock{}.Now}
	s.scales = kube.NewScales(clients.Mapper, clients.Scale, s.workloads, schedule.Clock{}.Now)
	s.idle = &busy.Ranker{Index: s.pods, Costs: kube.Costs{Client: clients.Core}, Pages: busy.Pages()}
	return s
}

// newAutoscalers connects the controller of HPAs.
func (p *parts) newAutoscalers(s *scene) *hpa.Controller {
	ports := hpa.Ports{
		Scales: s.scales, Pods: s.pods, Custom: hpa.APIs{APIs: p.apis}, External: p.externalMetrics(s),
		Status: kube.AutoscalerStatus{Client: p.clients.Core.AutoscalingV2()}, Events: p.events,
		Records: s.book, Idle: s.idle, Closed: p.gate.Closed,
	}
	ports.Resources, ports.ResourcesPolled = p.resources(s)
	return hpa.NewController(hpa.ControllerConfig{
		Control: hpa.Control(p.config.Control), Unserved: p.config.UnservedAfter, Ports: ports, Notices: p.events, Log: p.config.Log,
		Targets: s.targets, Workers: p.config.Workers, Changed: p.autoscalerChanged,
		Settings: hpa.Settings{Defaults: p.config.Defaults, Observe: p.config.Mode == ModeObserve, Clock: schedule.Clock{}.Now, Meter: hpa.NewMeter(s.registry)},
	})
}

// resources is where cpu and memory of pods come from, and whether asking is a request.
func (p *parts) resources(s *scene) (r measure.Resources, polled bool) {
	if p.config.ResourceMetrics == ResourceAPI {
		return hpa.APIs{APIs: p.apis}, true
	}
	return hpa.StoreResources{Usage: s.store}, false
}

// targetChanged passes on that the size of a workload changed.
func (p *parts) targetChanged(t kube.Target) {
	p.controller.TargetChanged(t)
	if p.keda != nil {
		p.keda.objects.TargetChanged(t)
	}
}

// refrozen passes on that the sizes of a namespace, of all if it is empty, may be
// written or may not, where it was the other way round.
func (p *parts) refrozen(namespace string) {
	p.controller.Refrozen(namespace)
	if p.keda != nil {
		p.keda.objects.Refrozen(namespace)
	}
}

// podsChanged passes on that what somebody selects changed.
func (p *parts) podsChanged(owner types.NamespacedName) {
	p.controller.PodsChanged(owner)
	if p.keda != nil {
		p.keda.objects.PodsChanged(owner)
	}
}

// podSampled passes on that a pod was measured.
func (p *parts) podSampled(pod types.NamespacedName) {
	p.controller.PodSampled(pod)
	if p.keda != nil {
		p.keda.objects.PodSampled(pod)
	}
}

func (p *parts) newScraper(config *rest.Config, nodes *nodes, store *resource.Store) *resource.Scraper {
	return &resource.Scraper{
		Options: p.config.Scrape, Access: resource.AccessFrom(config, p.config.Scrape),
		Nodes: nodes, Store: store, Waiter: schedule.Clock{}, Clock: schedule.Clock{}.Now, Log: p.config.Log,
	}
}

func (p *parts) newServer(s *scene) (*metricsapi.Server, error) {
	c := p.config
	c.Serving.Ask(c.Kubeconfig)
	c.Serving.Certificate = p.certificates.apis
	c.Serving.DNSNames = append(c.Serving.DNSNames, served(c.Namespace, c.Name)...)
	groups := []metricsapi.Group{metricsapi.Decisions(s.book, schedule.Clock{}.Now), metricsapi.External(s.told)}
	if c.ResourceMetrics == ResourceSelf {
		groups = append(groups, metricsapi.Metrics(metricsapi.Usage{
			Store: s.store, Pods: listedPods{s.pods}, Nodes: listedNodes{s.nodes}, Clock: schedule.Clock{}.Now,
		}))
	}
	return metricsapi.New(metricsapi.Config{Options: c.Serving, Groups: groups})
}
