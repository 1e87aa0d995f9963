package scaledobject

import (
	"cmp"
	"context"
	"log/slog"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/schedule"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// startSpread is the time over which the objects that sleep get their first turn
// after a start or a change of leader. Those with work get it at once: what is
// busy now should not wait for what is not. ADR 18.
const startSpread = 2 * time.Second

// Controller keeps a [Scaler] for each ScaledObject and gives it its turns. It
// decides only while it leads.
type Controller struct {
	ports    Ports
	settings Settings
	log      *slog.Logger

	table   *kube.Table[*v1alpha1.ScaledObject, Seen]
	turns   *schedule.Schedule[types.NamespacedName]
	targets *kube.Targets
	leads   atomic.Bool

	mu   sync.Mutex // guards held; each of its values belongs to the turn of its key
	held map[types.NamespacedName]*holding
	// stale are objects whose triggers refer to something that changed.
	stale map[types.NamespacedName]bool
}

// holding is an object that Furl decides about, or watches.
type holding struct {
	scaler *Scaler
	// keda is when KEDA had last written the status when Furl took the object.
	keda     time.Time
	observes bool
	beside   string // why Furl leaves the object to KEDA; empty: it does not
	adopts   bool   // the HPA that the object replaces is still there
	// inherited says that the HPA which KEDA had left behind was removed.
	inherited bool
}

// ControllerConfig is what a [Controller] works with.
type ControllerConfig struct {
	Ports    Ports
	Settings Settings
	Log      *slog.Logger
	// Targets knows who wants to scale what, HPAs among them.
	Targets *kube.Targets
	// Workers is how many objects may be at work at the same time.
	Workers int
}

// NewController returns a controller that knows no object yet: pass its Sink to a feed.
func NewController(c ControllerConfig) *Controller {
	k := &Controller{
		ports: c.Ports, settings: c.Settings, log: c.Log, targets: cmp.Or(c.Targets, new(kube.Targets)),
		held: make(map[types.NamespacedName]*holding), stale: make(map[types.NamespacedName]bool),
	}
	k.table = kube.NewTable(Cut, k.changed)
	k.turns = schedule.New(schedule.Config{
		Workers: c.Workers,
		Gap:     20 * time.Millisecond, // a burst of samples is one turn
		Retry:   time.Second, RetryMax: time.Minute,
	}, k.turn)
	return k
}

// Sink is where a feed of ScaledObjects ends.
func (k *Controller) Sink() kube.Sink[*v1alpha1.ScaledObject] { return k.table }

// Lead gives every object its turns until ctx ends.
func (k *Controller) Lead(ctx context.Context) error {
	k.leads.Store(true)
	defer k.leads.Store(false)
	for _, s := range k.table.Rows() {
		if wasActive(s.Object) {
			k.turns.Wake(keyOf(s.Object))
			continue
		}
		k.turns.WakeWithin(keyOf(s.Object), startSpread)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() { k.thaw(ctx) })
	defer waiting.Wait()
	return k.turns.Run(ctx)
}

// Late is for how long the turn that waits longest has been due.
func (k *Controller) Late() time.Duration { return k.turns.Late() }

// wasActive says that an object had work when its status was written.
func wasActive(o *v1alpha1.ScaledObject) bool {
	return o.Status.Conditions.IsTrue(v1alpha1.ConditionActive)
}

// PodsChanged tells that what an owner selects has changed; owners that are no
// ScaledObjects are not ours.
func (k *Controller) PodsChanged(owner types.NamespacedName) {
	if name, ours := strings.CutPrefix(owner.Name, ownerPrefix); ours {
		k.wake(types.NamespacedName{Namespace: owner.Namespace, Name: name})
	}
}

// PodSampled tells that there is a new measurement of a pod.
func (k *Controller) PodSampled(pod types.NamespacedName) { k.ports.Pods.Owners(pod, k.PodsChanged) }

// TargetChanged tells that the size or the selector of a workload changed, or
// who wants to scale it; the target is named by its group.
func (k *Controller) TargetChanged(t kube.Target) {
	for _, c := range k.targets.Of(t) {
		if c.Kind == v1alpha1.KindScaledObject {
			k.wake(c.NamespacedName)
		}
	}
}

// ReferenceChanged tells that something an object's triggers refer to has
// changed, such as a secret.
func (k *Controller) ReferenceChanged(key types.NamespacedName) {
	k.mu.Lock()
	k.stale[key] = true
	k.mu.Unlock()
	k.wake(key)
}

// Refrozen tells that the sizes of a namespace, of all if it is empty, may be
// written or may not, where it was the other way round.
func (k *Controller) Refrozen(namespace string) {
	for _, s := range k.table.Rows() {
		if namespace == "" || namespace == s.Object.Namespace {
			k.wake(keyOf(s.Object))
		}
	}
}

func (k *Controller) wake(key types.NamespacedName) {
	if k.leads.Load() {
		k.turns.Wake(key)
	}
}

// changed follows the table of objects.
func (k *Controller) changed(key types.NamespacedName) {
	claim := kube.Claim{Kind: v1alpha1.KindScaledObject, NamespacedName: key}
	if s, ok := k.table.Get(key); ok {
		k.targets.Put(claim, targetOf(s.Object))
	} else {
		k.targets.Drop(claim)
	}
	k.wake(key)
}

// turn is one turn of one object.
func (k *Controller) turn(ctx context.Context, key types.NamespacedName, t schedule.Turn) (time.Time, error) {
	s, ok := k.table.Get(key)
	if !ok {
		k.release(key)
		k.turns.Drop(key)
		return time.Time{}, nil
	}
	h, resolve := k.take(key, s)
	refused, beside, again := k.standing(ctx, s, h, t.At)
	switch {
	case s.Object.DeletionTimestamp != nil:
		return k.finish(ctx, s.Object, h, t.At)
	case beside:
		h.scaler.Rest()
		return again, nil
	case refused == "" && k.isCold() && k.measuresPods(s.Object):
		return time.Time{}, nil // thaw wakes it
	}
	next, err := h.scaler.Sync(ctx, s.Object, Turn{
		At: t.At, Woken: t.Woken, Refused: refused, Observe: h.observes, Resolve: resolve,
	})
	k.turns.Pace(key, h.scaler.compiled.Cadence)
	if err == nil && refused == "" && !h.observes {
		err = k.promise(ctx, h)
	}
	if err != nil && k.leads.Load() {
		k.log.DebugContext(ctx, "turn ended with an error", "namespace", key.Namespace, "name", key.Name, "error", err)
	}
	return next, err
}

// take returns the holding of an object, and whether what its triggers refer to has changed.
func (k *Controller) take(key types.NamespacedName, s Seen) (h *holding, resolve bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	resolve = k.stale[key]
	delete(k.stale, key)
	h = k.held[key]
	if h != nil && h.scaler.book.uid() != "" && h.scaler.book.uid() != s.Object.UID {
		h.scaler.Close()
		h = nil
	}
	if h == nil {
		h = &holding{scaler: New(s.Object, &k.ports, &k.settings, func() { k.wake(key) }), keda: s.Keda}
		k.held[key] = h
	}
	return h, resolve
}

// release gives up an object, if Furl holds it.
func (k *Controller) release(key types.NamespacedName) {
	k.mu.Lock()
	h := k.held[key]
	delete(k.held, key)
	delete(k.stale, key)
	k.mu.Unlock()
	if h == nil {
		return
	}
	if o := h.scaler.book.stored; o != nil && !h.scaler.book.silent {
		k.ports.Events.Event(o, corev1.EventTypeWarning, eventDeleted, sayDeleted)
	}
	h.scaler.Close()
}
