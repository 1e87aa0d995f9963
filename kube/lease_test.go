package kube

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

// candidate is a process that would lead.
func candidate(c kubernetes.Interface, identity string) Lease {
	term := DefaultTerm()
	return Lease{Client: c.CoordinationV1(), Namespace: "ns", Name: "furl", Identity: identity, Term: term, Fence: NewFence(term, time.Now)}
}

func TestLease_is_released_after_leading_has_ended(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake.NewClientset()
		lease := candidate(c, "one")
		holder := func() string {
			l, err := c.CoordinationV1().Leases("ns").Get(t.Context(), "furl", metav1.GetOptions{})
			if err != nil {
				t.Fatal(err)
			}
			if l.Spec.HolderIdentity == nil {
				return ""
			}
			return *l.Spec.HolderIdentity
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- lease.Lead(ctx, func(ctx context.Context) error {
				<-ctx.Done()
				time.Sleep(time.Second) // the turns under way
				if got := holder(); got != "one" {
					t.Errorf("lease held by %q while turns are under way, want one", got)
				}
				return nil
			})
		}()
		time.Sleep(5 * time.Second)
		if got := holder(); got != "one" {
			t.Fatalf("lease held by %q, want one", got)
		}
		stop()
		if err := <-ended; err != nil {
			t.Errorf("Lead: %v", err)
		}
		if got := holder(); got != "" {
			t.Errorf("lease held by %q after the end, want nobody", got)
		}
	})
}

func TestLease_that_cannot_be_renewed_ends_leading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake.NewClientset()
		var cut atomic.Bool
		c.PrependReactor("update", "leases", func(clienttesting.Action) (bool, runtime.Object, error) {
			return cut.Load(), nil, errors.New("no route")
		})
		lease := candidate(c, "one")
		ended := make(chan error, 1)
		led := make(chan struct{})
		go func() {
			ended <- lease.Lead(t.Context(), func(ctx context.Context) error {
				close(led)
				<-ctx.Done()
				return nil
			})
		}()
		<-led
		cut.Store(true)
		if err := <-ended; !errors.Is(err, ErrLeaseLost) {
			t.Errorf("Lead: %v, want ErrLeaseLost", err)
		}
	})
}

func TestLease_waits_while_another_holds_it(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake.NewClientset()
		first, second := make(chan struct{}), make(chan time.Time, 1)
		ctx, stop := context.WithCancel(t.Context())
		go func() {
			one := candidate(c, "one")
			if err := one.Lead(ctx, func(ctx context.Context) error { close(first); <-ctx.Done(); return nil }); err != nil {
				t.Errorf("first Lead: %v", err)
			}
		}()
		<-first
		later, end := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			two := candidate(c, "two")
			ended <- two.Lead(later, func(ctx context.Context) error { second <- time.Now(); <-ctx.Done(); return nil })
		}()
		time.Sleep(time.Minute)
		select {
		case <-second:
			t.Fatal("two lead at once")
		default:
		}
		released := time.Now()
		stop()
		if wait := (<-second).Sub(released); wait > 5*time.Second {
			t.Errorf("the second led %v after the first released the lease, want at once", wait)
		}
		end()
		if err := <-ended; err != nil {
			t.Errorf("second Lead: %v", err)
		}
	})
}

func TestLease_is_renewed_less_often_than_it_is_tried_for(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := fake.NewClientset()
		lease := candidate(c, "one")
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan error, 1)
		go func() {
			ended <- lease.Lead(ctx, func(ctx context.Context) error { <-ctx.Done(); return nil })
		}()
		time.Sleep(time.Minute + time.Second)
		stop()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		writes := 0
		for _, a := range c.Actions() {
			if a.GetVerb() == "update" {
				writes++
			}
		}
		if writes < 25 || writes > 31 { // each 2 s, and the release
			t.Errorf("%d renewals in a minute, want one each fifth of the 10 s for one, %s", writes, lease.Term.renewAfter())
		}
	})
}
