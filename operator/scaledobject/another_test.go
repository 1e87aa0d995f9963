package scaledobject_test

import (
	"context"
	"errors"
	"log/slog"
	"strconv"
	"sync"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/policy"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/types"
)

// another is a second controller of the same cluster, such as that of another
// replica of Furl. It does not lead yet.
type another struct {
	*scaledobject.Controller
	c        *cluster
	pods     *kube.Pods
	registry *prometheus.Registry
	end      func()
}

// another returns one whose ports are changed as the test needs.
func (c *cluster) another(change func(*scaledobject.Ports)) *another {
	return c.withSettings(scaledobject.Settings{}, change)
}

// observer returns one that writes nothing, as with --mode=observe.
func (c *cluster) observer() *another {
	return c.withSettings(scaledobject.Settings{Observe: true}, nil)
}

func (c *cluster) withSettings(s scaledobject.Settings, change func(*scaledobject.Ports)) *another {
	a := &another{c: c, registry: prometheus.NewRegistry()}
	a.pods = kube.NewPods(func(o types.NamespacedName) { a.PodsChanged(o) })
	ports := scaledobject.Ports{
		Scales: c, Pods: a.pods, Resources: nothing{}, Inputs: c, Kinds: c.find, Sources: c.pool, Objects: c, Events: c, Records: c.book, Keda: &c.keda,
	}
	if change != nil {
		change(&ports)
	}
	s.Defaults, s.Clock, s.Meter = policy.UpstreamDefaults(), time.Now, scaledobject.NewMeter(a.registry, "test")
	a.Controller = scaledobject.NewController(scaledobject.ControllerConfig{
		Ports: ports, Log: slog.New(slog.DiscardHandler), Workers: 1, Settings: s,
	})
	return a
}

// lead makes it lead until the end of the test, or of end.
func (a *another) lead() *another {
	ctx, stop := context.WithCancel(a.c.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Lead(ctx) }()
	a.end = sync.OnceFunc(func() {
		stop()
		if err := <-ended; err != nil {
			a.c.t.Error(err)
		}
	})
	a.c.t.Cleanup(a.end)
	synctest.Wait()
	return a
}

// put stores an object and tells this controller alone of it.
func (a *another) put(o *v1alpha1.ScaledObject) {
	c := a.c
	c.mu.Lock()
	c.version++
	o = o.DeepCopy()
	o.ResourceVersion = strconv.Itoa(c.version)
	if was := c.objects[o.Name]; was != nil && was.UID == o.UID {
		o.Status = *was.Status.DeepCopy()
	}
	c.objects[o.Name] = o
	c.mu.Unlock()
	a.Sink().Put(o.DeepCopy())
	synctest.Wait()
}

func (a *another) drop(name string) {
	a.Sink().Drop(types.NamespacedName{Namespace: "default", Name: name})
	synctest.Wait()
}

// series counts the series of a metric that have a label of a value.
func (a *another) series(metric, label, value string) (n int) {
	families, err := a.registry.Gather()
	if err != nil {
		a.c.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if f.GetName() == metric && l.GetName() == label && l.GetValue() == value {
					n++
				}
			}
		}
	}
	return n
}

// cut is a cluster whose API server can be out of reach: what was seen of it is
// still known, and nothing can be written.
type cut struct {
	*cluster
	down bool // guarded by the cluster's lock
}

func (g *cut) isDown() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.down
}

var errDown = errors.New("connection refused")

func (g *cut) Move(ctx context.Context, s kube.Scale, n int32) error {
	if g.isDown() {
		return errDown
	}
	return g.cluster.Move(ctx, s, n)
}

func (g *cut) PatchScaledObject(ctx context.Context, key types.NamespacedName, status bool, body []byte) (*v1alpha1.ScaledObject, error) {
	if g.isDown() {
		return nil, errDown
	}
	return g.cluster.PatchScaledObject(ctx, key, status, body)
}
