package kube

import (
	"context"
	"maps"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func keyed(name string) types.NamespacedName {
	return types.NamespacedName{Namespace: "ns", Name: name}
}

// names is a sink that remembers which objects are there.
type names struct {
	mu  sync.Mutex // guards all
	all map[types.NamespacedName]string
}

func (n *names) Put(p *corev1.Pod) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.all[keyOf(p)] = p.Labels["v"]
}

func (n *names) Drop(key types.NamespacedName) {
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.all, key)
}

func (n *names) list() map[types.NamespacedName]string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return maps.Clone(n.all)
}

func versioned(name, v string) *corev1.Pod {
	return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: "ns", Name: name, Labels: map[string]string{"v": v}}}
}

func TestFeed_follows_objects_as_they_come_and_go(t *testing.T) {
	c := fake.NewClientset(versioned("a", "1"), versioned("b", "1"))
	watching := tellsWhenWatched(c)
	sink := &names{all: map[types.NamespacedName]string{}}
	feed := PodFeed(c, nil, sink)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- feed.Run(ctx) }()
	defer func() {
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Run: %v", err)
		}
	}()
	<-feed.Synced()
	<-watching // the fake forgets what is deleted between a list and its watch
	eventually(t, sink, map[types.NamespacedName]string{keyed("a"): "1", keyed("b"): "1"})
	api := c.CoreV1().Pods("ns")
	if _, err := api.Update(ctx, versioned("a", "2"), metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := api.Delete(ctx, "b", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if _, err := api.Create(ctx, versioned("c", "1"), metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	eventually(t, sink, map[types.NamespacedName]string{keyed("a"): "2", keyed("c"): "1"})
}

// tellsWhenWatched returns a channel that is closed once pods are watched.
func tellsWhenWatched(c *fake.Clientset) <-chan struct{} {
	watching := make(chan struct{})
	closed := sync.OnceFunc(func() { close(watching) })
	c.PrependWatchReactor("pods", func(action clienttesting.Action) (bool, watch.Interface, error) {
		a, ok := action.(clienttesting.WatchActionImpl)
		if !ok {
			return false, nil, nil
		}
		w, err := c.Tracker().Watch(a.GetResource(), a.GetNamespace(), a.ListOptions)
		closed()
		return true, w, err
	})
	return watching
}

// eventually waits until the sink holds what it should.
func eventually(t *testing.T, n *names, want map[types.NamespacedName]string) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		diff := cmp.Diff(want, n.list())
		if diff == "" {
			return
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("objects (-want +got):\n%s", diff)
		}
	}
}

func TestFeed_drops_what_a_new_list_no_longer_holds(t *testing.T) {
	sink := &names{all: map[types.NamespacedName]string{}}
	s := (*store[*corev1.Pod])(NewFeed("pods", nil, &corev1.Pod{}, sink, nil))
	for _, list := range [][]any{
		{versioned("a", "1"), versioned("b", "1")},
		{versioned("b", "2"), versioned("c", "1")},
	} {
		if err := s.Replace(list, ""); err != nil {
			t.Fatal(err)
		}
	}
	want := map[types.NamespacedName]string{keyed("b"): "2", keyed("c"): "1"}
	if diff := cmp.Diff(want, sink.list()); diff != "" {
		t.Errorf("objects (-want +got):\n%s", diff)
	}
	if err := s.Add(&corev1.Node{}); err == nil {
		t.Error("took a Node for a Pod")
	}
}
