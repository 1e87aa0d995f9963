package bench

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/latency"
	"github.com/furl-dev/furl/lab/simnode"
	"github.com/furl-dev/furl/resource"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Flips is what came of workloads that used four times as much from random instants on.
type Flips struct {
	// Since is from the flip to the first Scale write's arrival at the API server: most of it is the wait for the next sample.
	Since []time.Duration
	// Sampled is from the instant at which a node of the workload's pods was due to be read to that write: the reading, the
	// decision and the request.
	Sampled []time.Duration
	Load    string
}

// flipped is a workload that is flipped once.
type flipped struct {
	name  string
	at    time.Time
	nodes []string // of its pods
}

// Flip flips some workloads, each once within the span, and waits for the Scale write that answers.
func (b *Bench) Flip(ctx context.Context, a Autoscalers, flips int, span time.Duration, seed uint64) (Flips, error) {
	rnd := rand.New(rand.NewPCG(seed, 1)) //nolint:gosec // when load comes is no secret
	var (
		mu  sync.Mutex // guards all
		all []flipped
	)
	g, within := errgroup.WithContext(ctx)
	for _, i := range rnd.Perm(a.Objects)[:min(flips, a.Objects)] {
		after := time.Duration(rnd.Int64N(int64(span)))
		g.Go(func() error {
			if err := pause(within, after); err != nil {
				return err
			}
			f, err := b.flip(within, name(i))
			mu.Lock()
			defer mu.Unlock()
			all = append(all, f)
			return err
		})
	}
	if err := g.Wait(); err != nil {
		return Flips{}, err
	}
	var out Flips
	err := await(ctx, 3*a.Scrape+answer, time.Second, "the answer to all", func() (bool, error) {
		written, err := b.scaleWrites()
		if err == nil {
			out, err = answers(all, written, a.Scrape)
		}
		return err == nil, err
	})
	out.Load = load()
	b.say("%s", out)
	return out, err
}

// flip has the pods of a workload use more from now on.
func (b *Bench) flip(ctx context.Context, name string) (flipped, error) {
	f := flipped{name: name}
	pods, err := b.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		return f, fmt.Errorf("list the pods of %s: %w", name, err)
	}
	patch := fmt.Appendf(nil, `{"metadata":{"annotations":{%q:%q}}}`, simnode.CPUAnnotation, cpuFlipped)
	f.at = time.Now()
	for i := range pods.Items {
		p := &pods.Items[i]
		f.nodes = append(f.nodes, p.Spec.NodeName)
		if err := b.patchPod(ctx, p, patch); err != nil {
			return f, err
		}
	}
	return f, nil
}

func (b *Bench) patchPod(ctx context.Context, p *corev1.Pod, patch []byte) error {
	if _, err := b.client.CoreV1().Pods(p.Namespace).Patch(ctx, p.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("change what pod %s uses: %w", p.Name, err)
	}
	return nil
}

// answers finds the first write after each flip.
func answers(all []flipped, written map[string][]scaleWrite, every time.Duration) (Flips, error) {
	var out Flips
	for _, f := range all {
		i := slices.IndexFunc(written[f.name], func(w scaleWrite) bool { return w.at.After(f.at) })
		if i < 0 {
			return out, fmt.Errorf("%s was flipped at %s and has had no Scale write since", f.name, f.at.Format(time.TimeOnly))
		}
		at := written[f.name][i].at
		out.Since = append(out.Since, at.Sub(f.at))
		out.Sampled = append(out.Sampled, sinceTurn(f.nodes, every, at))
	}
	return out, nil
}

// sinceTurn is how long ago, at an instant, the last of the nodes was due to be read: each is at instants of its own.
func sinceTurn(nodes []string, every time.Duration, at time.Time) time.Duration {
	least := every
	for _, n := range nodes {
		least = min(least, at.Sub(resource.Turn(n, every, at.Add(1-every))))
	}
	return least
}

// String is a line a figure.
func (f Flips) String() string {
	if len(f.Since) == 0 {
		return "no workload was flipped"
	}
	q := func(all []time.Duration, word func(time.Duration) string) string {
		return fmt.Sprintf("p50 %s, p95 %s, max %s", word(latency.Quantile(all, 0.5)), word(latency.Quantile(all, 0.95)), word(latency.Quantile(all, 1)))
	}
	return fmt.Sprintf("%d workloads use four times as much, load average %s\n  from the node's turn to be read to the Scale write at the API server: %s\n  from the change to that write: %s",
		len(f.Since), f.Load, q(f.Sampled, millis), q(f.Since, seconds))
}
