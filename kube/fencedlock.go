package kube

import (
	"context"
	"fmt"

	"k8s.io/client-go/tools/leaderelection/resourcelock"
)

// fencedLock is a lease whose renewals hold the fence open. It refuses what
// client-go's elector does with a lease that it no longer holds: it renews one
// that has run out, as if nobody could have led meanwhile, and it releases one
// that another holds, if it was stopped for long enough not to have noticed. And
// it renews less often than the elector asks it to, see [Term.renewAfter].
type fencedLock struct {
	resourcelock.Interface
	fence  *Fence
	holder string // as last read or written
	led    bool   // the lease was ours
	lost   bool   // and is not any more
}

// Get implements resourcelock.Interface.
func (l *fencedLock) Get(ctx context.Context) (*resourcelock.LeaderElectionRecord, []byte, error) {
	ctx, cancel := context.WithTimeout(ctx, l.fence.term.renewAfter()) // a look that hangs must not cost the next ones
	defer cancel()
	record, raw, err := l.Interface.Get(ctx)
	if err != nil {
		return record, raw, err
	}
	if l.holder = record.HolderIdentity; l.holder != l.Identity() {
		l.fence.close()
		l.lost = l.led
	}
	return record, raw, nil
}

// Create implements resourcelock.Interface.
func (l *fencedLock) Create(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	return l.write(ctx, record, l.Interface.Create)
}

// Update implements resourcelock.Interface.
func (l *fencedLock) Update(ctx context.Context, record resourcelock.LeaderElectionRecord) error {
	released := record.HolderIdentity == ""
	if released {
		l.fence.close()
	}
	if released && l.holder != l.Identity() {
		return fmt.Errorf("lease %s is held by %q, who alone may release it", l.Describe(), l.holder)
	}
	if age, held := l.fence.age(); held && !released && l.holder == l.Identity() && age < l.fence.term.renewAfter() {
		return nil // it was renewed just now
	}
	return l.write(ctx, record, l.Interface.Update)
}

// write takes, renews or releases the lease.
func (l *fencedLock) write(ctx context.Context, record resourcelock.LeaderElectionRecord, how func(context.Context, resourcelock.LeaderElectionRecord) error) error {
	if l.lost || l.fence.expired() {
		return fmt.Errorf("lease %s was not renewed in time: %w", l.Describe(), ErrLeaseLost)
	}
	begun := l.fence.now()
	if err := how(ctx, record); err != nil {
		return err
	}
	if l.holder = record.HolderIdentity; l.holder == l.Identity() {
		l.fence.held(begun)
		l.led = true
	}
	return nil
}
