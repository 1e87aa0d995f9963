package measure

import (
	"context"
	"math"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Workload is the pods of one workload. It keeps its buffers, so that looking
// again allocates nothing; it is not safe for concurrent use.
type Workload struct {
	// Index has every pod; Owner is who selects this workload's among them.
	Index *kube.Pods
	Owner types.NamespacedName
	// Resources measures; Polled says that asking it is a request, made at most
	// each 15 s, and not a look into memory.
	Resources Resources
	Polled    bool
	// Measures are what the next [Workload.Group] takes.
	Measures []Measure

	selected *kube.Selection
	chosen   string // the selector that selected follows
	polls    polls
	recheck  time.Time

	pods    []*kube.Pod
	grouped []engine.Pod
	byName  map[string]int
}

// Look takes the pods as they are now, after [Workload.Choose].
func (w *Workload) Look() { w.pods = w.selected.AppendTo(w.pods[:0]) }

// Pods are those of the last look, in no order.
func (w *Workload) Pods() []*kube.Pod { return w.pods }

// Expect notes that the readings change at an instant without new ones.
func (w *Workload) Expect(at time.Time) {
	if w.recheck.IsZero() || at.Before(w.recheck) {
		w.recheck = at
	}
}

// Recheck is the first instant that was expected since [Workload.Settle]; zero for none.
func (w *Workload) Recheck() time.Time { return w.recheck }

// Settle forgets what was expected.
func (w *Workload) Settle() { w.recheck = time.Time{} }

// Measure measures the pods' CPU or memory.
func (w *Workload) Measure(ctx context.Context, at time.Time, src *policy.Source) (err error) {
	q := ResourceQuery{
		Namespace: w.Owner.Namespace, Selector: w.Selector(), Resource: src.Resource, Container: src.Container,
	}
	if !w.Polled {
		w.Measures, err = w.Resources.Measures(ctx, q, w.pods, w.Measures[:0])
		return err
	}
	got := w.Poll(src.Signal, at, func(p *Poll) {
		p.Measures, p.Err = w.Resources.Measures(ctx, q, w.pods, p.Measures)
	})
	w.Measures = append(w.Measures[:0], got.Measures...)
	return got.Err
}

// Group describes every listed pod, and every measured one that is not
// listed, to the engine.
func (w *Workload) Group(at time.Time, s *engine.Signal, src *policy.Source, g engine.Grace) engine.Usage {
	w.grouped = w.grouped[:0]
	aligned := w.aligned()
	var last requested
	for i, p := range w.pods {
		ep := engine.Pod{
			Name: p.Name, Phase: p.Phase, Deleting: p.Deleting,
			Readiness: p.Readiness, ReadySince: p.ReadySince, Started: p.Started, Begun: p.Begun,
		}
		if s.Target.Kind == engine.Utilization {
			ep.Request, ep.NoRequest = last.of(p, src.Resource, src.Container)
		}
		if j, ok := w.find(i, aligned); ok {
			m := &w.Measures[j]
			ep.Measured, ep.Value, ep.At, ep.Window = w.fresh(m, at), m.Value, m.At, m.Window
			m.Pod = "" // claimed
		}
		w.grouped = append(w.grouped, ep)
	}
	for i := range w.Measures {
		if m := &w.Measures[i]; m.Pod != "" && m.Missing == "" {
			w.grouped = append(w.grouped, engine.Pod{
				Name: m.Pod, Stray: true, Measured: true, Value: m.Value, At: m.At, Window: m.Window,
			})
		}
	}
	return engine.Group(w.grouped, at, *s, g)
}

// requested remembers the request of the last template: pods of one template follow each other.
type requested struct {
	pod   *kube.Pod
	milli int64
}

func (r *requested) of(p *kube.Pod, resource corev1.ResourceName, container string) (milli int64, missing string) {
	if r.pod != nil && r.pod.Spec == p.Spec {
		return r.milli, ""
	}
	milli, missing = policy.Request(p.Name, p.Spec, resource, container)
	if missing == "" {
		r.pod, r.milli = p, milli
	}
	return milli, missing
}

// aligned tells whether the first measures are those of the pods, in their order.
func (w *Workload) aligned() bool {
	if len(w.Measures) < len(w.pods) {
		return w.index()
	}
	for i, p := range w.pods {
		if w.Measures[i].Pod != p.Name {
			return w.index()
		}
	}
	return true
}

// index prepares finding measures by name. It always returns false.
func (w *Workload) index() bool {
	if w.byName == nil {
		w.byName = make(map[string]int, len(w.Measures))
	}
	clear(w.byName)
	for i := range w.Measures {
		w.byName[w.Measures[i].Pod] = i
	}
	return false
}

//nolint:revive // aligned is what the caller found out once for all pods
func (w *Workload) find(i int, aligned bool) (int, bool) {
	if aligned {
		return i, true
	}
	j, ok := w.byName[w.pods[i].Name]
	return j, ok
}

// staleAfter is the least age at which a sample counts as missing; more for
// samples of long windows.
const staleAfter = 30 * time.Second

// fresh tells whether a measure may speak for its pod, and notes when it no
// longer may. Upstream takes samples of any age.
func (w *Workload) fresh(m *Measure, at time.Time) bool {
	if m.Missing != "" || m.Trusted {
		return m.Missing == ""
	}
	expires := m.At.Add(max(staleAfter, 2*m.Window))
	if !expires.After(at) {
		return false
	}
	w.Expect(expires)
	return true
}

// Ready counts the pods that Value targets multiply by, terminating ones included.
func (w *Workload) Ready() int32 {
	var n int32
	for _, p := range w.pods {
		if p.Phase == engine.Running && p.Readiness == engine.Ready {
			n++
		}
	}
	return n
}

// Listed counts all pods.
func (w *Workload) Listed() int32 { return int32(min(len(w.pods), math.MaxInt32)) }
