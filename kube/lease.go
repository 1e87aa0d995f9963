package kube

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Lease timing is kube-controller-manager's: a leader that dies is replaced
// within 15 s, one that ends releases the lease at once.
const (
	leaseDuration = 15 * time.Second
	renewDeadline = 10 * time.Second
	retryPeriod   = 2 * time.Second
)

// Lease says who may decide and write.
type Lease struct {
	Client          kubernetes.Interface
	Namespace, Name string
	// Identity tells the candidates apart, such as the pod's name.
	Identity string
}

// ErrLeaseLost means that another may decide by now: the process should end.
var ErrLeaseLost = errors.New("the lease was lost")

// Lead waits for the lease and runs lead while holding it. When ctx ends, lead
// is ended first and the lease is released after it, so that never two decide.
// It fails with [ErrLeaseLost] when the lease could not be kept.
func (l Lease) Lead(ctx context.Context, lead func(ctx context.Context) error) error {
	campaign, end := context.WithCancel(context.WithoutCancel(ctx))
	defer end()
	var leading atomic.Bool
	defer context.AfterFunc(ctx, func() {
		if !leading.Load() {
			end()
		}
	})()
	ended := make(chan error, 1)
	e, err := l.elector(func(held context.Context) {
		defer end()
		leading.Store(true)
		both, stop := context.WithCancel(held)
		defer stop()
		defer context.AfterFunc(ctx, stop)()
		ended <- lead(both)
	})
	if err != nil {
		return err
	}
	e.Run(campaign)
	if !leading.Load() {
		return nil // ctx ended before it was our turn
	}
	return l.outcome(ctx, <-ended)
}

func (l Lease) elector(lead func(held context.Context)) (*leaderelection.LeaderElector, error) {
	e, err := leaderelection.NewLeaderElector(leaderelection.LeaderElectionConfig{
		Name: l.Name,
		Lock: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name},
			Client:     l.Client.CoordinationV1(),
			LockConfig: resourcelock.ResourceLockConfig{Identity: l.Identity},
		},
		ReleaseOnCancel: true,
		LeaseDuration:   leaseDuration, RenewDeadline: renewDeadline, RetryPeriod: retryPeriod,
		Callbacks: leaderelection.LeaderCallbacks{OnStartedLeading: lead, OnStoppedLeading: func() {}},
	})
	if err != nil {
		return nil, fmt.Errorf("election for lease %s/%s: %w", l.Namespace, l.Name, err)
	}
	return e, nil
}

// outcome says why leading ended.
func (l Lease) outcome(ctx context.Context, err error) error {
	if err != nil || ctx.Err() != nil {
		return err
	}
	return fmt.Errorf("lease %s/%s: %w", l.Namespace, l.Name, ErrLeaseLost)
}
