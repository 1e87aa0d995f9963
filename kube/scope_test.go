package kube

import (
	"context"
	"slices"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
)

// shelf notes which pods are there, and whether two calls overlapped.
type shelf struct {
	mu   sync.Mutex // guards pods
	pods map[types.NamespacedName]bool
	busy sync.Mutex // is free when a call begins
	t    *testing.T
}

func (s *shelf) alone(change func()) {
	if !s.busy.TryLock() {
		s.t.Error("two goroutines call the sink at the same time")
		return
	}
	defer s.busy.Unlock()
	s.mu.Lock()
	defer s.mu.Unlock()
	change()
}

func (s *shelf) Put(p *corev1.Pod)             { s.alone(func() { s.pods[keyOf(p)] = true }) }
func (s *shelf) Drop(key types.NamespacedName) { s.alone(func() { delete(s.pods, key) }) }

func (s *shelf) names() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]string, 0, len(s.pods))
	for k := range s.pods {
		out = append(out, k.String())
	}
	slices.Sort(out)
	return out
}

func TestScope_follows_its_namespaces_and_no_other(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pod := func(namespace, name string) *corev1.Pod {
			return &corev1.Pod{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name}}
		}
		c := fake.NewClientset(pod("shop", "a"), pod("pay", "a"), pod("elsewhere", "a"))
		s := &shelf{pods: map[types.NamespacedName]bool{}, t: t}
		feed := PodFeed(c, Scope{"shop", "pay"}, s)
		if feed.Name() != "pods" {
			t.Errorf("its name is %q, which no role has", feed.Name())
		}
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { _ = feed.Run(ctx) })
		<-feed.Synced()
		synctest.Wait() // until it watches: the fake forgets what is deleted between a list and its watch
		if diff := cmp.Diff([]string{"pay/a", "shop/a"}, s.names()); diff != "" {
			t.Error(diff)
		}
		for _, namespace := range []string{"shop", "elsewhere"} {
			if _, err := c.CoreV1().Pods(namespace).Create(ctx, pod(namespace, "b"), metav1.CreateOptions{}); err != nil {
				t.Fatal(err)
			}
		}
		if err := c.CoreV1().Pods("pay").Delete(ctx, "a", metav1.DeleteOptions{}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		if diff := cmp.Diff([]string{"shop/a", "shop/b"}, s.names()); diff != "" {
			t.Error(diff)
		}
		for _, a := range c.Actions() {
			if n := a.GetNamespace(); n != "shop" && n != "pay" && a.GetVerb() != "create" {
				t.Errorf("%s of %s in namespace %q, which no Role grants", a.GetVerb(), a.GetResource().Resource, n)
			}
		}
		stop()
		running.Wait()
	})
}
