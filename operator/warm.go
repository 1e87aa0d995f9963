package operator

import (
	"context"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/resource"
)

// Warming up ends when nearly every node has been measured, or after a while.
const (
	warmEnough = 0.9
	warmWithin = 20 * time.Second
	warmLook   = 200 * time.Millisecond
)

// warmth is whether pods have been measured since the start: deciding on their
// use before that would tell every user, after every start, that there is none.
// Who decides on something else does not wait for it.
type warmth struct {
	nodes resource.Nodes
	store *resource.Store
	clock kube.Clock
	done  chan struct{} // closed when it is warm
}

func newWarmth(n resource.Nodes, s *resource.Store, c kube.Clock) *warmth {
	return &warmth{nodes: n, store: s, clock: c, done: make(chan struct{})}
}

// up ends the waiting at once: there is nothing to wait for.
func (w *warmth) up() { close(w.done) }

// watch waits until it is warm, and no longer than warmWithin.
func (w *warmth) watch(ctx context.Context) {
	defer w.up()
	for until := w.clock.Now().Add(warmWithin); w.clock.Now().Before(until); {
		if w.measured() || w.clock.Wait(ctx, w.clock.Now().Add(warmLook)) != nil {
			return
		}
	}
}

// measured tells that nearly every node has given a sample.
func (w *warmth) measured() bool {
	nodes, measured := w.nodes.Nodes(), 0
	for i := range nodes {
		if _, ok := w.store.Node(nodes[i].Name); ok {
			measured++
		}
	}
	return float64(measured) >= warmEnough*float64(len(nodes))
}

// wait returns when it is warm, or with the context's error when that ends first.
func (w *warmth) wait(ctx context.Context) error {
	select {
	case <-w.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
