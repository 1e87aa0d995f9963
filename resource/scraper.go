package resource

import (
	"context"
	"hash/fnv"
	"io"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/apimachinery/pkg/labels"
)

const (
	// lookout is how often the list of nodes is compared with what is scraped.
	lookout = time.Second
	// spread is how much later each further node's first scrape is, up to a
	// third of the resolution: handshakes of a large cluster all at once would
	// starve everything else. It is metrics-server's 8 ms.
	spread = 8 * time.Millisecond
	// hurries is how many early scrapes a node gets that has no rate yet.
	hurries = 5
	// hurry is the least time between them: kubelets count rarely, and a rate
	// over less says little.
	hurry = 2 * time.Second
	// settling is how long a node must have been ready for it to be news that it
	// was never scraped: new nodes have no address and no kubelet for a while.
	settling = 30 * time.Second
)

// Waiter waits for instants; package schedule has the real one. Wait returns
// nil at the instant, or at once when it is past, and the context's error when
// that ends first.
type Waiter interface {
	Wait(ctx context.Context, until time.Time) error
}

// Scraper asks each node's kubelet once in every resolution, each at its own
// instant, and keeps the answers in Store.
type Scraper struct {
	Options Options
	Access  Access
	Nodes   Nodes
	Store   *Store
	Waiter  Waiter
	Clock   func() time.Time
	Log     *slog.Logger
	// Metrics is where Run registers what it measures of its own work; nil: nowhere.
	Metrics prometheus.Registerer

	meter *meter
	// ask is kubelets.scrape, unless a test knows better.
	ask func(ctx context.Context, n Node, now time.Time, take func(io.Reader) error) error
}

// Run scrapes until the context ends and every scrape has ended with it. It
// fails at once when the options or the files of Access cannot be used.
func (s *Scraper) Run(ctx context.Context) error {
	if err := s.Options.Validate(); err != nil {
		return err
	}
	selector, err := labels.Parse(s.Options.NodeSelector)
	if err != nil {
		return err
	}
	if s.meter, err = newMeter(s.Metrics, s.Store); err != nil {
		return err
	}
	s.Store.Subscribe(s.meter.kept)
	if s.ask == nil {
		k, err := s.connect()
		if err != nil {
			return err
		}
		defer k.identity.close()
		s.ask = k.scrape
	}
	w := watch{scraper: s, selector: selector, rounds: map[string]*round{}}
	defer w.wait()
	for at := s.Clock(); ; at = at.Add(lookout) {
		w.compare(ctx, s.Nodes.Nodes(), s.Clock())
		if s.Waiter.Wait(ctx, at.Add(lookout)) != nil {
			return nil
		}
	}
}

// connect reads the files of Access, so that a mistake in them shows at once.
func (s *Scraper) connect() (*kubelets, error) {
	k := &kubelets{options: s.Options, identity: &identity{
		access: s.Access, handshake: s.Options.RequestTimeout, idle: 3 * s.Options.MetricResolution,
	}}
	_, _, err := k.identity.at(s.Clock())
	return k, err
}

// watch is the set of nodes being scraped. One goroutine owns it.
type watch struct {
	scraper  *Scraper
	selector labels.Selector
	rounds   map[string]*round
	seen     uint64 // counts comparisons
	all      sync.WaitGroup
}

// round is the goroutine that scrapes one node. A node that hangs keeps its
// own round waiting and no other.
type round struct {
	scraper *Scraper
	node    atomic.Pointer[Node]
	stop    context.CancelFunc
	seen    uint64
	ended   chan struct{} // closed when the goroutine has forgotten the node

	// The round's own: how the last scrape went, whether any went well, and
	// whether the log says that they do not.
	failing, met, told bool
}

// compare begins rounds for new nodes and ends those of nodes that are gone. A
// node that comes back meanwhile begins anew once its old round has ended.
func (w *watch) compare(ctx context.Context, nodes []Node, now time.Time) {
	w.seen++
	begun := 0
	for _, n := range nodes {
		if !w.selector.Matches(labels.Set(n.Labels)) {
			continue
		}
		r := w.rounds[n.Name]
		if r == nil {
			r = w.begin(ctx, &n, w.scraper.first(now, begun))
			begun++
		}
		if r.seen+1 >= w.seen {
			r.node.Store(&n)
			r.seen = w.seen
		}
	}
	for name, r := range w.rounds {
		if r.seen == w.seen {
			continue
		}
		r.stop()
		select {
		case <-r.ended:
			delete(w.rounds, name)
		default:
		}
	}
}

func (w *watch) begin(ctx context.Context, n *Node, first time.Time) *round {
	ctx, stop := context.WithCancel(ctx)
	r := &round{scraper: w.scraper, stop: stop, seen: w.seen, ended: make(chan struct{})}
	r.node.Store(n)
	w.rounds[n.Name] = r
	w.all.Go(func() {
		defer close(r.ended)
		defer stop()
		r.run(ctx, first)
		w.scraper.Store.Forget(n.Name)
	})
	return r
}

// wait returns when every round has ended.
func (w *watch) wait() {
	for _, r := range w.rounds {
		r.stop()
	}
	w.all.Wait()
}

// first is when the n-th of the nodes found together is scraped first.
func (s *Scraper) first(now time.Time, n int) time.Time {
	return now.Add(time.Duration(n) * spread % max(s.Options.MetricResolution/3, spread))
}

// run scrapes the node at its instants: at first, soon again until there is a
// rate, then once in every resolution.
func (r *round) run(ctx context.Context, due time.Time) {
	resolution := r.scraper.Options.MetricResolution
	for early := 0; ; early++ {
		if r.scraper.Waiter.Wait(ctx, due) != nil {
			return
		}
		name := r.node.Load().Name
		r.scrape(ctx)
		now := r.scraper.Clock()
		if sample, _ := r.scraper.Store.Node(name); early < hurries && !r.failing && !sample.HasCPU {
			due = now.Add(max(hurry, resolution/4))
			continue
		}
		early = hurries
		due = Turn(name, resolution, now.Add(resolution/2))
	}
}

// Turn returns the first instant from at on that is the node's: a place in the
// interval that depends on its name alone, so that a cluster's scrapes are
// spread evenly and stay where they are over restarts.
func Turn(node string, resolution time.Duration, at time.Time) time.Time {
	h := fnv.New64a()
	_, _ = io.WriteString(h, node)
	place := time.Duration(h.Sum64() % uint64(resolution)) //nolint:gosec // resolution is 1s or more
	base := at.Truncate(resolution).Add(place)
	if base.Before(at) {
		base = base.Add(resolution)
	}
	return base
}

// scrape asks the kubelet once and keeps what it says, or that it said nothing.
func (r *round) scrape(ctx context.Context) {
	s, n := r.scraper, *r.node.Load()
	begun := s.Clock()
	err := s.ask(ctx, n, begun, func(body io.Reader) error {
		return s.Store.Take(n.Name, begun, body)
	})
	if ctx.Err() != nil {
		return
	}
	ended := s.Clock()
	s.meter.scraped(ended.Sub(begun), err)
	switch {
	case err != nil:
		s.Store.Fail(n.Name, ended, err)
		if !r.told && (r.met || n.settled(ended)) {
			r.told = true
			s.Log.WarnContext(ctx, "node not scraped", "node", n.Name, "ready", n.Ready, "reason", err.Error())
		}
	case r.told:
		r.told = false
		s.Log.InfoContext(ctx, "node scraped again", "node", n.Name)
	}
	if sample, ok := s.Store.Node(n.Name); ok && err == nil {
		s.meter.sampled(ended.Sub(sample.At))
	}
	r.failing, r.met = err != nil, r.met || err == nil
}

// settled says that a node has been ready for a while.
func (n *Node) settled(at time.Time) bool { return n.Ready && at.Sub(n.ReadySince) >= settling }
