package hpa

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/schedule"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// startSpread is the time over which all HPAs get their first turn after a
// start or a change of leader.
const startSpread = 5 * time.Second

// Kind is the kind of the objects that are reconciled here.
const Kind = "HorizontalPodAutoscaler"

// shortKind names them in records and metrics.
const shortKind = "hpa"

// Notices takes events about an HPA that only Furl would send. It does not block.
type Notices interface {
	Own(h *autoscalingv2.HorizontalPodAutoscaler, kind, reason, message string)
}

// Controller keeps an [Autoscaler] for each HPA that is Furl's, and gives it
// its turns. It decides only while it leads.
type Controller struct {
	control  Control
	unserved time.Duration
	ports    Ports
	settings Settings
	notices  Notices
	log      *slog.Logger

	table   *kube.Table[*autoscalingv2.HorizontalPodAutoscaler, Seen]
	turns   *schedule.Schedule[types.NamespacedName]
	letters *schedule.Schedule[types.NamespacedName] // statuses, beside the turns that want them written
	targets *kube.Targets
	told    func(types.NamespacedName)
	leads   atomic.Bool
	down    atomic.Bool // standing down: kube-controller-manager is at work

	mu   sync.Mutex // guards held; each of its values belongs to the turn of its key
	held map[types.NamespacedName]*holding
}

// holding is an HPA that Furl decides about.
type holding struct {
	scaler *Autoscaler
	// upstream is when kube-controller-manager had last written the status when Furl took the HPA.
	upstream time.Time
	observes bool
	fault    string // the policy's fault that was told last
}

// ControllerConfig is what a [Controller] works with.
type ControllerConfig struct {
	Control Control
	// Unserved is how old an HPA without any condition must be for [Auto] to
	// take it; [UnservedAfter] unless set.
	Unserved time.Duration
	Ports    Ports
	Settings Settings
	Notices  Notices
	Log      *slog.Logger
	// Targets knows which HPA is about which workload, together with other
	// kinds of objects; one of its own unless set.
	Targets *kube.Targets
	// Changed is told of every HPA that changed, came or went; nil is allowed.
	Changed func(types.NamespacedName)
	// Workers is how many HPAs may be at work at the same time.
	Workers int
}

// NewController returns a controller that knows no HPA yet: pass its Sink to a feed.
func NewController(c ControllerConfig) *Controller {
	k := &Controller{
		control: c.Control, unserved: cmp.Or(c.Unserved, UnservedAfter), ports: c.Ports, settings: c.Settings, notices: c.Notices, log: c.Log,
		told: c.Changed, targets: cmp.Or(c.Targets, new(kube.Targets)), held: make(map[types.NamespacedName]*holding),
	}
	k.table = kube.NewTable(Cut, k.changed)
	k.turns = schedule.New(schedule.Config{
		Workers: c.Workers,
		Gap:     20 * time.Millisecond, // a burst of pod events is one turn
		Retry:   time.Second, RetryMax: time.Minute,
	}, k.turn)
	k.letters = schedule.New(schedule.Config{Workers: c.Workers}, k.deliver)
	k.settings.Post = k.letters.Wake
	return k
}

// Sink is where a feed of HPAs ends.
func (k *Controller) Sink() kube.Sink[*autoscalingv2.HorizontalPodAutoscaler] { return k.table }

// Find returns an HPA as it was last seen.
func (k *Controller) Find(key types.NamespacedName) (Seen, bool) { return k.table.Get(key) }

// Lead gives every HPA its turns until ctx ends.
func (k *Controller) Lead(ctx context.Context) error {
	k.leads.Store(true)
	defer k.leads.Store(false)
	for _, s := range k.table.Rows() {
		k.turns.WakeWithin(keyOf(s.Object), startSpread)
	}
	var writing sync.WaitGroup
	writing.Go(func() { _ = k.letters.Run(ctx) }) // which returns nil
	defer writing.Wait()
	return k.turns.Run(ctx)
}

// Late is for how long the turn that waits longest has been due.
func (k *Controller) Late() time.Duration { return k.turns.Late() }

// deliver writes a status that a turn wants written, and has it told.
func (k *Controller) deliver(ctx context.Context, key types.NamespacedName, _ schedule.Turn) (time.Time, error) {
	k.mu.Lock()
	h := k.held[key]
	k.mu.Unlock()
	if h == nil {
		k.letters.Drop(key)
		return time.Time{}, nil
	}
	if h.scaler.Deliver(ctx) {
		k.wake(key)
	}
	return time.Time{}, nil
}

// PodsChanged tells that what an HPA selects has changed.
func (k *Controller) PodsChanged(owner types.NamespacedName) { k.wake(owner) }

// PodSampled tells that there is a new measurement of a pod.
func (k *Controller) PodSampled(pod types.NamespacedName) { k.ports.Pods.Owners(pod, k.wake) }

// TargetChanged tells that the size or the selector of a workload changed.
func (k *Controller) TargetChanged(t kube.Target) {
	for _, c := range k.targets.Of(t) {
		if c.Kind == Kind {
			k.wake(c.NamespacedName)
		}
	}
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

// changed follows the table of HPAs.
func (k *Controller) changed(key types.NamespacedName) {
	s, ok := k.table.Get(key)
	claim := kube.Claim{Kind: Kind, NamespacedName: key}
	if ok {
		k.targets.Put(claim, kube.TargetOf(key.Namespace, s.Object.Spec.ScaleTargetRef))
	} else {
		k.targets.Drop(claim)
	}
	if k.told != nil {
		k.told(key)
	}
	k.settings.Meter.autoscalers.Set(float64(k.table.Len()))
	k.wake(key)
}

// turn is one turn of one HPA.
func (k *Controller) turn(ctx context.Context, key types.NamespacedName, t schedule.Turn) (time.Time, error) {
	s, ok := k.table.Get(key)
	if !ok {
		k.release(key)
		k.turns.Drop(key)
		return time.Time{}, nil
	}
	if k.contested(key, s) {
		k.standDown(key, s)
	}
	h, next := k.take(key, s, t.At)
	if h == nil {
		k.release(key)
		return next, nil
	}
	next, err := h.scaler.Sync(ctx, s.Object, t.At, t.Woken)
	k.turns.Pace(key, h.scaler.Compiled().Cadence)
	return next, k.report(key, s, h, err)
}

// take returns the holding of an HPA that Furl decides about, or nil and when
// to ask again.
func (k *Controller) take(key types.NamespacedName, s Seen, at time.Time) (*holding, time.Time) {
	observes := k.settings.Observe || s.Object.Annotations[api.AnnotationMode] == api.ModeObserve
	whose, next := k.control.ownerOf(s, at, k.unserved)
	if !observes && (k.down.Load() || whose != furl) {
		return nil, next
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[key]
	if h == nil || h.scaler.book.uid() != s.Object.UID {
		h = &holding{scaler: New(s.Object, &k.ports, &k.settings), upstream: s.Upstream}
		k.held[key] = h
		if k.control == Auto && !s.Ours && !observes {
			k.notices.Own(s.Object, corev1.EventTypeNormal, "TakenOver",
				fmt.Sprintf("No controller has set a condition for %s, so Furl scales this workload from now on", k.unserved))
			k.log.Info("hpa taken over", "namespace", key.Namespace, "name", key.Name)
		}
	}
	if h.observes && !observes {
		h.upstream = s.Upstream // what was written while Furl only watched is no contest
	}
	h.observes = observes
	return h, next
}

// contested tells whether kube-controller-manager wrote the status of an HPA
// after Furl took it.
func (k *Controller) contested(key types.NamespacedName, s Seen) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	h := k.held[key]
	return h != nil && !h.observes && s.Upstream.After(h.upstream)
}

// standDown leaves all HPAs to kube-controller-manager: two controllers that
// write one size fight. It lasts until the process ends.
func (k *Controller) standDown(key types.NamespacedName, s Seen) {
	if k.down.Swap(true) {
		return
	}
	k.settings.Meter.standingDown.Set(1)
	k.log.Warn("standing down for all hpas", "because", "kube-controller-manager wrote the status of an hpa that furl held",
		"namespace", key.Namespace, "name", key.Name)
	k.notices.Own(s.Object, corev1.EventTypeWarning, "StandingDown",
		"kube-controller-manager wrote the status of this HPA while Furl held it, so Furl leaves all HPAs alone until it is restarted")
	for _, other := range k.table.Rows() {
		k.turns.Wake(keyOf(other.Object))
	}
}

// release gives up an HPA, if Furl holds it.
func (k *Controller) release(key types.NamespacedName) {
	k.mu.Lock()
	h := k.held[key]
	delete(k.held, key)
	k.mu.Unlock()
	if h != nil {
		h.scaler.Close()
	}
}

// report logs what a turn ended with, once where it repeats. A fault of the
// policy is the user's to mend: an event tells it, and no retry helps.
func (k *Controller) report(key types.NamespacedName, s Seen, h *holding, err error) error {
	var p *policyError
	if !errors.As(err, &p) {
		if err != nil && k.leads.Load() {
			k.log.Debug("turn ended with an error", "namespace", key.Namespace, "name", key.Name, "error", err)
		}
		h.fault = ""
		return err
	}
	if h.fault != p.Error() {
		h.fault = p.Error()
		k.notices.Own(s.Object, corev1.EventTypeWarning, "InvalidPolicy", h.fault)
		k.log.Warn("hpa makes no sense", "namespace", key.Namespace, "name", key.Name, "error", h.fault)
	}
	return nil
}

func keyOf(h *autoscalingv2.HorizontalPodAutoscaler) types.NamespacedName {
	return types.NamespacedName{Namespace: h.Namespace, Name: h.Name}
}
