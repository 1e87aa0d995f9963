package kube

import (
	"context"
	"errors"
	"hash/fnv"
	"io"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
)

const (
	// postLanes is how many events are under way at once. One after the other,
	// 2,000 at a start took minutes on a busy API server.
	postLanes = 8
	// postQueue is how many events wait in a lane: a start with 2,000 objects,
	// each with two events, fills a third of all lanes.
	postQueue = 1500
	// postMemory is of how many objects a lane remembers what was said.
	postMemory = 1024
	// postTries is how often an event is sent to an API server out of reach,
	// postPause the pause after each.
	postTries = 3
	postPause = 2 * time.Second
	// postEnd is how long the end waits for what is waiting.
	postEnd = 5 * time.Second
)

// Why an event was lost.
const (
	lostFull        = "queue_full"
	lostRefused     = "refused"
	lostUnreachable = "unreachable"
	lostEnded       = "ended"
)

// post carries events to the API server in lanes; all events about one object
// are in the same lane, one after the other.
type post struct {
	client typedcore.EventsGetter
	clock  Clock
	lost   *prometheus.CounterVec
	lanes  []chan *corev1.Event
	// last gives what is left in the lanes a while, which ends early by what it returns.
	last func() context.CancelFunc
	work sync.WaitGroup

	mu     sync.RWMutex // guards closed
	closed bool
}

func newPost(ctx context.Context, c EventsConfig) *post {
	ctx, end := context.WithCancel(ctx)
	p := &post{client: c.Client, clock: c.Clock, lost: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "furl_events_lost_total", Help: "Events about objects that did not reach the API server, by why.",
	}, []string{"why"})}
	for _, why := range []string{lostFull, lostRefused, lostUnreachable, lostEnded} {
		p.lost.WithLabelValues(why)
	}
	if c.Metrics != nil {
		c.Metrics.MustRegister(p.lost)
	}
	p.last = func() context.CancelFunc {
		late, stop := context.WithTimeout(ctx, postEnd)
		context.AfterFunc(late, end)
		return stop
	}
	for range postLanes {
		lane := make(chan *corev1.Event, postQueue)
		p.lanes = append(p.lanes, lane)
		p.work.Go(func() { p.carry(ctx, lane) })
	}
	return p
}

// send gives an event to the lane of its object, or drops it where that is full.
func (p *post) send(e *corev1.Event) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	if p.closed {
		p.lost.WithLabelValues(lostEnded).Inc()
		return
	}
	h := fnv.New32a()
	_, _ = io.WriteString(h, e.Namespace+"/"+e.InvolvedObject.Kind+"/"+e.InvolvedObject.Name) // a hash takes all
	select {
	case p.lanes[h.Sum32()%postLanes] <- e:
	default:
		p.lost.WithLabelValues(lostFull).Inc()
	}
}

// close takes no more events and waits a while for those that are there.
func (p *post) close() {
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	p.closed = true
	p.mu.Unlock()
	for _, lane := range p.lanes {
		close(lane)
	}
	defer p.last()()
	p.work.Wait()
}

// carry sends what comes along one lane.
func (p *post) carry(ctx context.Context, lane <-chan *corev1.Event) {
	said := record.NewEventCorrelatorWithOptions(record.CorrelatorOptions{LRUCacheSize: postMemory})
	for e := range lane {
		if ctx.Err() != nil {
			p.lost.WithLabelValues(lostEnded).Inc()
			continue
		}
		what, err := said.EventCorrelate(e)
		if err != nil || what.Skip { // said too often: client-go's limit is 25 an object, then one in five minutes
			continue
		}
		p.deliver(ctx, said, what)
	}
}

// deliver stores one event, and remembers it as it was stored.
func (p *post) deliver(ctx context.Context, said *record.EventCorrelator, what *record.EventCorrelateResult) {
	for try := range postTries {
		stored, err := p.store(ctx, what)
		if err == nil {
			said.UpdateState(stored)
			return
		}
		if _, answered := errors.AsType[*apierrors.StatusError](err); answered {
			p.lost.WithLabelValues(lostRefused).Inc()
			return
		}
		if try == postTries-1 || p.clock.Wait(ctx, p.clock.Now().Add(postPause)) != nil {
			break
		}
	}
	p.lost.WithLabelValues(lostUnreachable).Inc()
}

// store makes an event, or counts up one that was made before and is still there.
func (p *post) store(ctx context.Context, what *record.EventCorrelateResult) (*corev1.Event, error) {
	e := what.Event
	events := p.client.Events(e.Namespace)
	if e.Count > 1 {
		stored, err := events.Patch(ctx, e.Name, types.StrategicMergePatchType, what.Patch, metav1.PatchOptions{})
		if !apierrors.IsNotFound(err) {
			return stored, err
		}
	}
	e.ResourceVersion = ""
	return events.Create(ctx, e, metav1.CreateOptions{})
}
