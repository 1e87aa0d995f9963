package kube

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	coordinationclient "k8s.io/client-go/kubernetes/typed/coordination/v1"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// Term is the timing of a lease, see ADR 22.
type Term struct {
	// Duration is for how long nobody else takes a lease that is not renewed.
	Duration time.Duration
	// RenewDeadline is for how long after the last renewal its holder writes.
	RenewDeadline time.Duration
	// RetryPeriod is the least time between two tries to get the lease, or to renew it.
	RetryPeriod time.Duration
}

// DefaultTerm is kube-controller-manager's, but for the retries: a standby tries
// each 1 to 2.2 retry periods, and needs two tries to see that a lease has run
// out. That is to fit into 5 s with the first reads after it.
func DefaultTerm() Term {
	return Term{Duration: 15 * time.Second, RenewDeadline: 10 * time.Second, RetryPeriod: 500 * time.Millisecond}
}

// renewals is how many renewals in a row would have to fail for a leader to stop.
const renewals = 5

// renewAfter is how old a renewal is before there is another: a holder tries as
// often as who stands by, and a write each time is more than is needed.
func (t Term) renewAfter() time.Duration { return t.RenewDeadline / renewals }

// Validate returns what is wrong with it, each with its flag's name.
func (t Term) Validate() error {
	var wrong []error
	if t.RetryPeriod <= 0 {
		wrong = append(wrong, fmt.Errorf("--leader-elect-retry-period is %s: set more than 0", t.RetryPeriod))
	}
	// As client-go asks for.
	if least := time.Duration(leaderelection.JitterFactor * float64(t.RetryPeriod)); t.RenewDeadline <= least {
		wrong = append(wrong, fmt.Errorf("--leader-elect-renew-deadline is %s: set more than %g times --leader-elect-retry-period, %s",
			t.RenewDeadline, leaderelection.JitterFactor, least))
	}
	if t.Duration <= t.RenewDeadline {
		wrong = append(wrong, fmt.Errorf("--leader-elect-lease-duration is %s: set more than --leader-elect-renew-deadline, %s", t.Duration, t.RenewDeadline))
	}
	if t.Duration < time.Second || t.Duration%time.Second != 0 {
		wrong = append(wrong, fmt.Errorf("--leader-elect-lease-duration is %s: set whole seconds, a lease has no others", t.Duration))
	}
	return errors.Join(wrong...)
}

// Lease says who may decide and write.
type Lease struct {
	Client          coordinationclient.LeasesGetter
	Namespace, Name string
	// Identity tells the candidates apart, such as the pod's name.
	Identity string
	Term     Term
	// Fence is open while the lease is held.
	Fence *Fence
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
		Lock: &fencedLock{fence: l.Fence, Interface: &resourcelock.LeaseLock{
			LeaseMeta:  metav1.ObjectMeta{Namespace: l.Namespace, Name: l.Name},
			Client:     l.Client,
			LockConfig: resourcelock.ResourceLockConfig{Identity: l.Identity},
		}},
		ReleaseOnCancel: true,
		LeaseDuration:   l.Term.Duration, RenewDeadline: l.Term.RenewDeadline, RetryPeriod: l.Term.RetryPeriod,
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
