package machine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/tools/cache"
)

const (
	resync     = 0           // off: every change sends an event
	retryAfter = time.Second // a machine that does not run, or a record that cannot be closed
)

// Yard is where machines stand: it runs what the books say.
type Yard struct {
	Books Books
	// Run is a machine's life: it returns when ctx has ended and nothing of the machine runs any more. An earlier return is
	// a breakdown, and it is called again.
	Run func(ctx context.Context, m Machine) error
	Log *slog.Logger

	mu      sync.Mutex                    // guards running
	running map[string]context.CancelFunc // what ends a machine, by its name
	ended   sync.WaitGroup
}

// Keep runs every machine that is rented, and ends those that were given back, until ctx ends. When it returns nothing
// runs any more; what is still rented runs again the next time.
func (y *Yard) Keep(ctx context.Context) error {
	y.running = map[string]context.CancelFunc{}
	factory := informers.NewSharedInformerFactoryWithOptions(y.Books.Client, resync, informers.WithNamespace(namespace),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) { o.LabelSelector = label }))
	see := func(o any) { y.see(ctx, o) }
	_, err := factory.Core().V1().ConfigMaps().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    see,
		UpdateFunc: func(_, o any) { see(o) },
		DeleteFunc: y.lost,
	})
	if err != nil {
		return fmt.Errorf("watch the books: %w", err)
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	y.ended.Wait()
	return nil
}

// see starts a machine that is new, and ends one that was given back.
func (y *Yard) see(ctx context.Context, o any) {
	record, ok := o.(*corev1.ConfigMap)
	if !ok || ctx.Err() != nil {
		return
	}
	m, err := read(record)
	if err != nil {
		y.Log.ErrorContext(ctx, "record not read", "reason", err)
		return
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	end, runs := y.running[m.Name]
	if runs {
		if m.Ending {
			end()
		}
		return
	}
	own, end := context.WithCancel(ctx)
	if m.Ending {
		end() // it was given back while nobody kept the yard
	}
	y.running[m.Name] = end
	y.ended.Go(func() {
		defer end()
		y.live(ctx, own, m)
	})
}

// lost ends a machine whose record somebody took away by force.
func (y *Yard) lost(o any) {
	if last, ok := o.(cache.DeletedFinalStateUnknown); ok {
		o = last.Obj
	}
	record, ok := o.(*corev1.ConfigMap)
	if !ok {
		return
	}
	m, err := read(record)
	if err != nil {
		return // it never ran
	}
	y.mu.Lock()
	defer y.mu.Unlock()
	if end := y.running[m.Name]; end != nil {
		end()
	}
}

// live is the whole life of a machine: it runs until own ends, and then its record is closed. With the yard, that is ctx,
// the machine ends but not its record.
func (y *Yard) live(ctx, own context.Context, m Machine) {
	for own.Err() == nil {
		y.Log.InfoContext(ctx, "machine starts", "machine", m.Name, "type", m.Labels[corev1.LabelInstanceTypeStable])
		err := y.Run(own, m)
		if own.Err() == nil {
			y.Log.WarnContext(ctx, "machine broke down", "machine", m.Name, "reason", err)
			wait(own)
		}
	}
	for ctx.Err() == nil {
		err := y.Books.closeRecord(ctx, m.Name)
		if err == nil {
			break
		}
		y.Log.WarnContext(ctx, "record not closed", "machine", m.Name, "reason", err)
		wait(ctx)
	}
	y.Log.InfoContext(ctx, "machine gone", "machine", m.Name)
	y.mu.Lock()
	defer y.mu.Unlock()
	delete(y.running, m.Name)
}

func wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(retryAfter):
	}
}
