package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/watch"
)

// Restart is what a new operator took, each since it had the lease.
type Restart struct {
	Led      time.Duration // from the end of the one before to the lease
	Busy     time.Duration // until the last source of an active object was read for the first time
	Read     time.Duration // the same of all
	Decided  time.Duration // until the last object was decided on, to a quarter of a second
	Requests Requests
	Load     string
}

// String is a line a figure.
func (r Restart) String() string {
	return fmt.Sprintf("restart, load average %s: lease %s after the order to end; since then the active read once after %s, all after %s, all decided on after %s\n  writes: %s; reads of the API: %s",
		r.Load, seconds(r.Led), seconds(r.Busy), seconds(r.Read), seconds(r.Decided), r.Requests.Writes(), r.Requests.Reads())
}

// settled is how long no restart is asked for before, so that none counts as one of a program that keeps dying.
const settled = 15 * time.Second

// Restarts ends the operator some times, each of which the lab answers with a new one.
func (b *Bench) Restarts(ctx context.Context, c Crowd, times int) ([]Restart, error) {
	all := make([]Restart, 0, times)
	for range times {
		if err := pause(ctx, settled); err != nil {
			return all, err
		}
		r, err := b.restart(ctx, c)
		if err != nil {
			return all, err
		}
		b.say("%s", r)
		all = append(all, r)
	}
	return all, nil
}

func (b *Bench) restart(ctx context.Context, c Crowd) (Restart, error) {
	_, old, err := b.operator()
	if err != nil {
		return Restart{}, err
	}
	p, err := os.FindProcess(old.PID)
	if err != nil {
		return Restart{}, fmt.Errorf("find the operator: %w", err)
	}
	leases, err := b.lease(ctx)
	if err != nil {
		return Restart{}, err
	}
	defer leases.Stop()
	from := time.Now()
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return Restart{}, fmt.Errorf("end the operator: %w", err)
	}
	if err := held(ctx, leases, false); err != nil {
		return Restart{}, err
	}
	b.source.forget(c.Objects) // the old one has ended all that it did before it gave the lease up
	if err := held(ctx, leases, true); err != nil {
		return Restart{}, err
	}
	led := time.Now()
	r := Restart{Led: led.Sub(from), Load: load()}
	err = await(ctx, 5*time.Minute, 250*time.Millisecond, "the first read of and decision on all", func() (bool, error) {
		is, err := b.decided(ctx, c.Objects)
		if is && r.Decided == 0 {
			r.Decided = time.Since(led)
		}
		_, all := b.source.allAsked()
		return is && !all.IsZero(), err
	})
	if err != nil {
		return r, err
	}
	busy, all := b.source.allAsked()
	r.Busy, r.Read = busy.Sub(led), all.Sub(led)
	r.Requests, err = b.requests(from, time.Now())
	return r, err
}

// lease follows the operator's lease.
func (b *Bench) lease(ctx context.Context) (watch.Interface, error) {
	w, err := b.client.CoordinationV1().Leases("furl-system").Watch(ctx, metav1.ListOptions{
		FieldSelector: fields.OneTermEqualSelector("metadata.name", "furl").String(),
	})
	if err != nil {
		return nil, fmt.Errorf("watch the operator's lease: %w", err)
	}
	return w, nil
}

// held returns when the lease is held, or when it is not.
func held(ctx context.Context, leases watch.Interface, wanted bool) error { //nolint:revive // flag-parameter: what is awaited
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		select {
		case <-ctx.Done():
			return fmt.Errorf("the lease did not change hands: %w", ctx.Err())
		case e, ok := <-leases.ResultChan():
			if !ok {
				return errors.New("the watch of the lease ended")
			}
			l, is := e.Object.(*coordinationv1.Lease)
			if is && (l.Spec.HolderIdentity != nil && *l.Spec.HolderIdentity != "") == wanted {
				return nil
			}
		}
	}
}
