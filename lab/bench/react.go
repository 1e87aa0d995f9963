package bench

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/latency"
	"golang.org/x/sync/errgroup"
	appsv1 "k8s.io/api/apps/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Reaction is what came of work for sleeping workloads: each gets it once, at a random instant.
type Reaction struct {
	What string
	// Sent is from the source's answer, or event, to the first Scale write's arrival at the API server; First to the
	// new size's arrival on a watch of deployments, Last to that of the size the work needs.
	Sent, First, Last []time.Duration
	Writes            []int // of the size that had an effect, a workload
	// Refused are how many writes of all met a conflict, by who else had written the deployment since our last write.
	Refused map[string]int
	Load    string
}

const (
	workValue = 50 // at 5 a replica
	workSize  = 10
	// over is the time over which the instants are spread, and answer how long one may take: growth as an HPA without
	// behavior limits it needs half a minute.
	over   = 30 * time.Second
	answer = 90 * time.Second
)

// Reactions measures runs workloads of each kind.
func (b *Bench) Reactions(ctx context.Context, runs int, poll time.Duration, seed uint64) ([]Reaction, error) {
	var all []Reaction
	for i, k := range []struct {
		what string
		push bool
		free bool
	}{
		{"poll's answer (metrics-api), growth not limited", false, true},
		{"poll's answer (metrics-api), growth as without behavior", false, false},
		{"push (external-push), growth not limited", true, true},
	} {
		r := reacting{Bench: b, poll: poll, push: k.push, seen: map[string][]sight{}}
		for j := range runs {
			r.names = append(r.names, fmt.Sprintf("react-%d-%03d", i, j))
		}
		got, err := r.run(ctx, k.free, rand.New(rand.NewPCG(seed, uint64(i)))) //nolint:gosec // when work comes is no secret
		if err != nil {
			return all, fmt.Errorf("%s: %w", k.what, err)
		}
		got.What = k.what
		b.say("%s", got)
		all = append(all, got)
	}
	return all, nil
}

// reacting is one measurement.
type reacting struct {
	*Bench
	poll  time.Duration
	push  bool
	names []string

	mu   sync.Mutex // guards seen
	seen map[string][]sight
}

// sight is a size and when it was first seen.
type sight struct {
	at   time.Time
	size int32
}

func (r *reacting) run(ctx context.Context, free bool, rnd *rand.Rand) (Reaction, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	all := make([]workload, len(r.names))
	for i, n := range r.names {
		all[i] = workload{name: n, max: workSize, poll: r.poll, trigger: r.polled(n), free: free}
		if r.push {
			all[i].trigger, all[i].poll = r.pushed(), time.Hour // what comes, comes by push
		}
	}
	if err := r.populate(ctx, all); err != nil {
		return Reaction{}, err
	}
	defer func() { _ = r.clear(context.WithoutCancel(ctx)) }() // what stays goes with the lab
	if err := await(ctx, time.Minute, 100*time.Millisecond, "the first read of all", r.ready); err != nil {
		return Reaction{}, err
	}
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return r.watch(ctx) })
	for _, n := range r.names {
		at := time.Duration(rnd.Int64N(int64(over)))
		g.Go(func() error { return r.work(ctx, n, at) })
	}
	g.Go(func() error {
		err := await(ctx, over+answer, 100*time.Millisecond, "the answer to all", r.answered)
		stop()
		return err
	})
	busy := load()
	if err := g.Wait(); err != nil {
		return Reaction{}, err
	}
	return r.sum(busy)
}

// ready says that every workload is read, or listens.
func (r *reacting) ready() (bool, error) {
	for _, n := range r.names {
		if r.push && !r.pushes.listens(n) || !r.push && r.source.told(n).IsZero() {
			return false, fmt.Errorf("%s is not read yet", n)
		}
	}
	return true, nil
}

// work comes to a workload after a while.
func (r *reacting) work(ctx context.Context, to string, after time.Duration) error {
	if pause(ctx, after) != nil {
		return nil //nolint:nilerr // ended before
	}
	if r.push {
		r.pushes.push(to, workValue)
	} else {
		r.source.set(to, workValue)
	}
	return nil
}

// watch notes every size of every workload.
func (r *reacting) watch(ctx context.Context) error {
	return watchDeployments(ctx, r.client, func(d *appsv1.Deployment, at time.Time) {
		r.mu.Lock()
		defer r.mu.Unlock()
		sights := r.seen[d.Name]
		if size := *d.Spec.Replicas; len(sights) == 0 || sights[len(sights)-1].size != size {
			r.seen[d.Name] = append(sights, sight{at, size})
		}
	})
}

func watchDeployments(ctx context.Context, c kubernetes.Interface, see func(d *appsv1.Deployment, at time.Time)) error {
	changes, err := c.AppsV1().Deployments(namespace).Watch(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("watch deployments: %w", err)
	}
	defer changes.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case e, ok := <-changes.ResultChan():
			if !ok {
				if ctx.Err() != nil {
					return nil
				}
				return fmt.Errorf("the watch of deployments ended")
			}
			if d, is := e.Object.(*appsv1.Deployment); is {
				see(d, time.Now())
			}
		}
	}
}

func (r *reacting) answered() (bool, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, n := range r.names {
		if sights := r.seen[n]; len(sights) == 0 || sights[len(sights)-1].size != workSize {
			return false, fmt.Errorf("%s has the sizes %v", n, sights)
		}
	}
	return true, nil
}

// sum is what was seen, by workload.
func (r *reacting) sum(busy string) (Reaction, error) {
	out := Reaction{Load: busy, Refused: map[string]int{}}
	sent, err := r.scaleWrites()
	if err != nil {
		return out, err
	}
	for _, n := range r.names {
		from := r.source.told(n)
		if r.push {
			from = r.pushes.sent(n)
		}
		if len(sent[n]) == 0 {
			return out, fmt.Errorf("%s has another size, and no Scale write: %v", n, r.seen[n])
		}
		out.Sent = append(out.Sent, sent[n][0].at.Sub(from))
		done := 0
		for _, w := range sent[n] {
			if !w.refused {
				done++
				continue
			}
			out.Refused[cmp.Or(w.after, "nobody that is known")]++
		}
		out.Writes = append(out.Writes, done)
		sights := slices.DeleteFunc(slices.Clone(r.seen[n]), func(s sight) bool { return s.size == 0 })
		out.First = append(out.First, sights[0].at.Sub(from))
		out.Last = append(out.Last, sights[len(sights)-1].at.Sub(from))
	}
	return out, nil
}

func (r *reacting) clear(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for _, n := range r.names {
		if err := r.remove(ctx, n); err != nil {
			return err
		}
	}
	return nil
}

// String is a line a figure.
func (r Reaction) String() string {
	q := func(all []time.Duration, word func(time.Duration) string) string {
		return fmt.Sprintf("p50 %s, p95 %s, max %s", word(latency.Quantile(all, 0.5)), word(latency.Quantile(all, 0.95)), word(latency.Quantile(all, 1)))
	}
	return fmt.Sprintf("%s, %d workloads from 0 to %d, load average %s\n  to the first Scale write at the API server: %s\n  to its effect on a watch: %s\n  to %d replicas: %s\n  Scale writes: %d to %d a workload, those in all that met a conflict, by who had written in between: %v",
		r.What, len(r.First), workSize, r.Load, q(r.Sent, millis), q(r.First, millis), workSize, q(r.Last, seconds), slices.Min(r.Writes), slices.Max(r.Writes), r.Refused)
}
