package kube

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
)

// Clock is real time, which package schedule owns.
type Clock interface {
	Now() time.Time
	Wait(ctx context.Context, until time.Time) error
}

// lookAgain is how often kinds that the cluster does not have are looked for.
const lookAgain = 5 * time.Second

// Arrivals is a [Follower] of kinds that a cluster may not have yet: each is
// followed from when its definition is installed, and nobody waits for it before.
type Arrivals struct {
	group     schema.GroupVersion
	discovery discovery.ServerResourcesInterface
	clock     Clock
	awaited   []Follower
	looked    chan []Follower // those that are there at the first look
	synced    chan struct{}

	mu   sync.Mutex // guards here
	here []Follower // as looked had them, for their names
}

// NewArrivals returns a follower of kinds of one group. The names of the feeds
// are those of the group's resources.
func NewArrivals(group schema.GroupVersion, d discovery.ServerResourcesInterface, c Clock, feeds ...Follower) *Arrivals {
	return &Arrivals{group: group, discovery: d, clock: c, awaited: feeds, looked: make(chan []Follower, 1), synced: make(chan struct{})}
}

// Name implements [Follower].
func (a *Arrivals) Name() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.here) == 0 {
		return a.group.String() // whether it is there is not known yet
	}
	names := make([]string, 0, len(a.here))
	for _, f := range a.here {
		names = append(names, f.Name()+"."+a.group.Group)
	}
	return strings.Join(names, ", ")
}

// Synced implements [Follower]: it is closed when all kinds that were there at
// the first look have passed on their first list.
func (a *Arrivals) Synced() <-chan struct{} { return a.synced }

// Run implements [Follower].
func (a *Arrivals) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.sync(ctx) })
	awaited, first := slices.Clone(a.awaited), true
	for {
		names, err := a.served()
		var here []Follower
		awaited = slices.DeleteFunc(awaited, func(f Follower) bool {
			if err != nil || !slices.Contains(names, f.Name()) {
				return false
			}
			here = append(here, f)
			group.Go(func() error { return f.Run(ctx) })
			return true
		})
		if err == nil && first {
			first = false
			a.looked <- here
		}
		if len(awaited) == 0 || a.clock.Wait(ctx, a.clock.Now().Add(lookAgain)) != nil {
			return group.Wait()
		}
	}
}

// sync waits for what is there at the first look.
func (a *Arrivals) sync(ctx context.Context) error {
	var here []Follower
	select {
	case here = <-a.looked:
	case <-ctx.Done():
		return nil
	}
	a.mu.Lock()
	a.here = here
	a.mu.Unlock()
	for _, f := range here {
		select {
		case <-f.Synced():
		case <-ctx.Done():
			return nil
		}
	}
	close(a.synced)
	return nil
}

// served are the names of the group's resources; none where the group is not there.
func (a *Arrivals) served() ([]string, error) {
	list, err := a.discovery.ServerResourcesForGroupVersion(a.group.String())
	if apierrors.IsNotFound(err) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("resources of %s: %w", a.group, err)
	}
	names := make([]string, 0, len(list.APIResources))
	for i := range list.APIResources {
		names = append(names, list.APIResources[i].Name)
	}
	return names, nil
}
