package kube

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// definitions are the kinds that a cluster has, as discovery tells them.
type definitions struct {
	mu    sync.Mutex // guards what follows
	names []string
	err   error
	asked int
}

func (d *definitions) set(err error, names ...string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.err, d.names = err, names
}

func (d *definitions) ServerResourcesForGroupVersion(group string) (*metav1.APIResourceList, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.asked++
	if d.err != nil {
		return nil, d.err
	}
	if len(d.names) == 0 {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, group)
	}
	list := &metav1.APIResourceList{GroupVersion: group}
	for _, n := range d.names {
		list.APIResources = append(list.APIResources, metav1.APIResource{Name: n})
	}
	return list, nil
}

func (d *definitions) ServerGroupsAndResources() ([]*metav1.APIGroup, []*metav1.APIResourceList, error) {
	return nil, nil, errors.New("nobody asks for all")
}

func (d *definitions) ServerPreferredResources() ([]*metav1.APIResourceList, error) {
	return nil, errors.New("nobody asks for all")
}

func (d *definitions) ServerPreferredNamespacedResources() ([]*metav1.APIResourceList, error) {
	return nil, errors.New("nobody asks for all")
}

// follower is a feed that is synced when the test says so.
type follower struct {
	name    string
	synced  chan struct{}
	running func(name string)
}

func (f *follower) Name() string            { return f.name }
func (f *follower) Synced() <-chan struct{} { return f.synced }

func (f *follower) Run(ctx context.Context) error {
	f.running(f.name)
	<-ctx.Done()
	return nil
}

// arriving runs Arrivals of two kinds until the test ends.
func arriving(t *testing.T, d *definitions) (a *Arrivals, feeds map[string]*follower, running func() []string) {
	t.Helper()
	var mu sync.Mutex
	var begun []string
	note := func(name string) {
		mu.Lock()
		defer mu.Unlock()
		begun = append(begun, name)
	}
	feeds = map[string]*follower{}
	for _, name := range []string{"ones", "twos"} {
		feeds[name] = &follower{name: name, synced: make(chan struct{}), running: note}
	}
	a = NewArrivals(schema.GroupVersion{Group: "example.com", Version: "v1"}, d, bubbleClock{}, feeds["ones"], feeds["twos"])
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	synctest.Wait()
	return a, feeds, func() []string {
		synctest.Wait()
		mu.Lock()
		defer mu.Unlock()
		return slices.Sorted(slices.Values(begun))
	}
}

func isSynced(f Follower) bool {
	synctest.Wait()
	select {
	case <-f.Synced():
		return true
	default:
		return false
	}
}

func TestArrivals_wait_for_nobody_who_is_not_there(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{}
		a, _, running := arriving(t, d)
		if !isSynced(a) {
			t.Error("waits for kinds that nobody has installed")
		}
		if got := running(); len(got) != 0 {
			t.Errorf("follows %v", got)
		}
	})
}

func TestArrivals_wait_for_the_first_list_of_those_that_are_there(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{}
		d.set(nil, "ones", "ones/status")
		a, feeds, running := arriving(t, d)
		if diff := cmp.Diff([]string{"ones"}, running()); diff != "" {
			t.Errorf("followed (-want +got):\n%s", diff)
		}
		if isSynced(a) {
			t.Error("synced before the first list")
		}
		if got := a.Name(); got != "ones.example.com" {
			t.Errorf("waits for %q", got)
		}
		close(feeds["ones"].synced)
		if !isSynced(a) {
			t.Error("not synced after it")
		}
	})
}

func TestArrivals_follow_what_comes_later_and_each_kind_once(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := &definitions{}
		d.set(errors.New("connection refused"))
		a, _, running := arriving(t, d)
		time.Sleep(time.Minute)
		if isSynced(a) {
			t.Error("synced though nobody could say what is there")
		}
		d.set(nil)
		time.Sleep(lookAgain)
		if !isSynced(a) {
			t.Error("not synced though nothing is there")
		}
		d.set(nil, "twos")
		time.Sleep(lookAgain)
		d.set(nil) // the definition goes
		time.Sleep(lookAgain)
		d.set(nil, "ones", "twos") // and comes back: its feed lists again by itself
		time.Sleep(lookAgain)
		if diff := cmp.Diff([]string{"ones", "twos"}, running()); diff != "" {
			t.Errorf("followed (-want +got):\n%s", diff)
		}
		asked := d.asked
		time.Sleep(time.Hour)
		if d.asked != asked {
			t.Errorf("asked %d times more though nothing is awaited", d.asked-asked)
		}
	})
}
