package freeze

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/furl-dev/furl/api"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Clock is the time and the waiting for it; schedule.Clock is one.
type Clock interface {
	Now() time.Time
	Wait(ctx context.Context, until time.Time) error
}

// Gate knows what is frozen. It is the sink of a feed of the ConfigMaps that say
// so, and safe for concurrent use.
type Gate struct {
	config Config
	kick   chan struct{} // holds a token when the next end may be another

	mu     sync.Mutex // guards orders
	orders map[string]Freeze
}

// Config is what a [Gate] works with.
type Config struct {
	// Own is Furl's namespace.
	Own   string
	Clock Clock
	// Changed is told each namespace, all if it is empty, that was frozen or
	// unfrozen: what stands there is to be decided anew. It does not block.
	Changed func(namespace string)
	Log     *slog.Logger
}

// NewGate returns a gate that is open.
func NewGate(c Config) *Gate {
	return &Gate{config: c, kick: make(chan struct{}, 1), orders: make(map[string]Freeze)}
}

// Closed says why no size of a namespace may be written now; empty: it may.
// What speaks for the cluster is told first.
func (g *Gate) Closed(namespace string) string {
	at := g.config.Clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	for _, of := range [...]string{g.config.Own, namespace} {
		if f, ok := g.orders[of]; ok && f.InForce(at) {
			return f.String()
		}
	}
	return ""
}

// InForce are the orders that have not run out, in no order.
func (g *Gate) InForce() []Freeze {
	at := g.config.Clock.Now()
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []Freeze
	for _, f := range g.orders {
		if f.InForce(at) {
			out = append(out, f)
		}
	}
	return out
}

// Put takes an order as the watch tells it.
func (g *Gate) Put(c *corev1.ConfigMap) {
	if c.Name != api.FreezeName {
		return // a server that does not know the selector
	}
	f := Of(c, g.config.Own)
	g.mu.Lock()
	was, known := g.orders[f.Namespace]
	g.orders[f.Namespace] = f
	g.mu.Unlock()
	if known && was == f {
		return
	}
	if f.InForce(g.config.Clock.Now()) {
		g.config.Log.Warn("frozen: no size is written", "scope", f.Scope(), "by", f.By, "until", instant(f.Until), "reason", f.Reason)
	}
	g.tell(&f)
	select {
	case g.kick <- struct{}{}:
	default:
	}
}

// Drop takes that an order was withdrawn.
func (g *Gate) Drop(key types.NamespacedName) {
	if key.Name != api.FreezeName {
		return
	}
	g.mu.Lock()
	f, known := g.orders[key.Namespace]
	delete(g.orders, key.Namespace)
	g.mu.Unlock()
	if known {
		g.thaw(&f)
	}
}

// thaw tells that an order is no more.
func (g *Gate) thaw(f *Freeze) {
	g.config.Log.Info("no longer frozen", "scope", f.Scope())
	g.tell(f)
}

func (g *Gate) tell(f *Freeze) {
	if f.Cluster {
		g.config.Changed("")
		return
	}
	g.config.Changed(f.Namespace)
}

// idle is how long to wait for an end where there is none: until something changes.
const idle = 24 * time.Hour

// Run tells of orders that run out, until ctx ends.
func (g *Gate) Run(ctx context.Context) error {
	from := g.config.Clock.Now()
	for ctx.Err() == nil {
		g.sleep(ctx, g.next(from))
		to := g.config.Clock.Now()
		for _, f := range g.ended(from, to) {
			g.thaw(&f)
		}
		from = to
	}
	return nil
}

// sleep waits until an instant, or until an order changes.
func (g *Gate) sleep(ctx context.Context, until time.Time) {
	waiting, stop := context.WithCancel(ctx)
	defer stop()
	var listening sync.WaitGroup
	listening.Go(func() {
		select {
		case <-g.kick:
			stop()
		case <-waiting.Done():
		}
	})
	_ = g.config.Clock.Wait(waiting, until) // cut short or not: whoever called looks at the clock
	stop()
	listening.Wait()
}

// next is when the first order ends that has not by the given instant.
func (g *Gate) next(at time.Time) time.Time {
	g.mu.Lock()
	defer g.mu.Unlock()
	first := at.Add(idle)
	for _, f := range g.orders {
		if f.Until.After(at) && f.Until.Before(first) {
			first = f.Until
		}
	}
	return first
}

// ended are the orders that ran out between two instants.
func (g *Gate) ended(from, to time.Time) []Freeze {
	g.mu.Lock()
	defer g.mu.Unlock()
	var out []Freeze
	for _, f := range g.orders {
		if f.Until.After(from) && !f.Until.After(to) {
			out = append(out, f)
		}
	}
	return out
}
