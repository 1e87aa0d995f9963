package kube

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
)

// Ref names one object by its kind, such as Secret.
type Ref struct {
	Kind string
	types.NamespacedName
}

// String is kind namespace/name.
func (r Ref) String() string {
	if r.Namespace == "" {
		return r.Kind + " " + r.Name
	}
	return r.Kind + " " + r.Namespace + "/" + r.Name
}

// Watched keeps single Secrets, ConfigMaps and ServiceAccounts that somebody
// uses, each by a watch of its own: Furl never holds the secrets that nobody
// gave it the name of. All methods are safe for concurrent use.
type Watched struct {
	config WatchedConfig
	begun  chan struct{} // pokes Run: there are new objects

	mu      sync.Mutex // guards what follows, and the state of each object
	objects map[Ref]*named
	fresh   []*named
	refused map[string]bool // kinds whose watch is not permitted, as was logged
}

// WatchedConfig is what [Watched] needs.
type WatchedConfig struct {
	// Calls gets objects where watching is not permitted; Watches has no timeout.
	Calls, Watches kubernetes.Interface
	Clock          Clock
	Log            *slog.Logger
	// Changed is called when what is known of an object has changed, or whether
	// it can be read. It may be called from several goroutines, and does not block.
	Changed func(Ref)
}

// named is one object that somebody uses. Its fields but ref and first are
// guarded by Watched.mu.
type named struct {
	ref   Ref
	first chan struct{} // closed at the first answer, whatever it is

	users    int
	end      context.CancelFunc // nil until Run has taken it up
	answered bool
	data     map[string]string
	found    bool
	err      error
}

// NewWatched returns a Watched that uses no object yet.
func NewWatched(c WatchedConfig) *Watched {
	return &Watched{config: c, begun: make(chan struct{}, 1), objects: map[Ref]*named{}, refused: map[string]bool{}}
}

// Use watches an object from now on, and counts who asked.
func (w *Watched) Use(ref Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.objects[ref]
	if n == nil {
		n = &named{ref: ref, first: make(chan struct{})}
		w.objects[ref] = n
		w.fresh = append(w.fresh, n)
		select {
		case w.begun <- struct{}{}:
		default: // Run has not come to the last poke yet
		}
	}
	n.users++
}

// Release undoes one Use; with the last one the object is forgotten.
func (w *Watched) Release(ref Ref) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := w.objects[ref]
	if n == nil {
		return
	}
	n.users--
	if n.users > 0 {
		return
	}
	delete(w.objects, ref)
	if n.end != nil {
		n.end()
	}
}

// Len is the number of objects in use.
func (w *Watched) Len() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.objects)
}

// Read returns the values of an object in use: the data of a Secret or
// ConfigMap, the annotations of a ServiceAccount. It waits for the first answer.
func (w *Watched) Read(ctx context.Context, ref Ref) (data map[string]string, found bool, err error) {
	w.mu.Lock()
	n := w.objects[ref]
	w.mu.Unlock()
	if n == nil {
		return nil, false, fmt.Errorf("%s: read though nobody uses it", ref)
	}
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	select {
	case <-n.first:
	case <-ctx.Done():
		return nil, false, fmt.Errorf("%s: no answer from the API server: %w", ref, ctx.Err())
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n.err != nil {
		return nil, false, fmt.Errorf("%s: %w", ref, n.err)
	}
	return maps.Clone(n.data), n.found, nil
}

// Run watches what is used until ctx ends.
func (w *Watched) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	for {
		for _, follow := range w.take(ctx) {
			group.Go(func() error { follow(); return nil })
		}
		select {
		case <-w.begun:
		case <-ctx.Done():
			return group.Wait()
		}
	}
}

// take returns what follows the objects that are not followed yet.
func (w *Watched) take(ctx context.Context) []func() {
	w.mu.Lock()
	defer w.mu.Unlock()
	out := make([]func(), 0, len(w.fresh))
	for _, n := range w.fresh {
		if n.users == 0 {
			continue
		}
		ctx, end := context.WithCancel(ctx)
		n.end = end
		out = append(out, func() {
			defer end()
			w.follow(ctx, n)
		})
	}
	w.fresh = nil
	return out
}

// Where watching is not permitted, an object is got each pollEvery, and the
// watch is tried again after some polls: the permission may come.
const (
	pollEvery     = 30 * time.Second
	pollsPerWatch = 20
)

// follow keeps one object up to date until ctx ends.
func (w *Watched) follow(ctx context.Context, n *named) {
	for ctx.Err() == nil {
		if refused := w.watch(ctx, n); refused != nil {
			w.report(n.ref.Kind, refused)
			w.poll(ctx, n)
		}
	}
}

func (w *Watched) poll(ctx context.Context, n *named) {
	for range pollsPerWatch {
		data, found, err := get(ctx, w.config.Calls, n.ref)
		if ctx.Err() != nil {
			return
		}
		w.learn(n, data, found, err)
		if w.config.Clock.Wait(ctx, w.config.Clock.Now().Add(pollEvery)) != nil {
			return
		}
	}
}

// report says once a kind that it is polled.
func (w *Watched) report(kind string, err error) {
	w.mu.Lock()
	known := w.refused[kind]
	w.refused[kind] = true
	w.mu.Unlock()
	if !known {
		w.config.Log.Warn("not permitted to watch, reading each 30s instead; grant list and watch", "resource", strings.ToLower(kind)+"s", "err", err)
	}
}

// learn takes in one answer about an object, and tells when it is news.
//
// An error after an answer is no news but where it takes the object away: what
// was known stays true for all that anybody knows.
func (w *Watched) learn(n *named, data map[string]string, found bool, err error) {
	w.mu.Lock()
	if n.answered && n.err == nil && err != nil && !apierrors.IsForbidden(err) {
		w.mu.Unlock()
		return
	}
	first := !n.answered
	same := !first && n.found == found && (n.err == nil) == (err == nil) && maps.Equal(n.data, data)
	n.answered, n.data, n.found, n.err = true, data, found, err
	if first {
		close(n.first)
	}
	used := n.users > 0 // no longer, where the answer was under way at the last Release
	w.mu.Unlock()
	if !first && !same && used && w.config.Changed != nil {
		w.config.Changed(n.ref)
	}
}
