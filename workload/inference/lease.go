package inference

import (
	"context"
	"errors"
	"time"
)

const (
	finishPause = 200 * time.Millisecond
	leastPause  = time.Second // between two attempts to hide a message
	// backTimeout leaves room within the 5 s between the end of the grace and a pod's last second.
	backTimeout = 3 * time.Second
)

// lease is the time for which a message is the worker's alone.
type lease struct {
	cancel context.CancelCauseFunc
	ended  chan struct{} // the renewing goroutine has returned
	until  time.Time     // read after ended is closed
}

// safety is how much sooner than the queue the worker thinks that its time is up.
func safety(d time.Duration) time.Duration { return min(d/6, 5*time.Second) }

// lease hides a message anew until it is ended, and ends by itself when that fails for too long. Its context is that of
// the work, which must not outlive it.
func (w *Worker) lease(ctx context.Context, m Message) (context.Context, *lease) {
	l := &lease{ended: make(chan struct{}), until: m.until}
	ctx, l.cancel = context.WithCancelCause(ctx)
	go func() {
		defer close(l.ended)
		w.renew(ctx, l, m)
	}()
	return ctx, l
}

// end stops renewing, and says until when the message is still the worker's.
func (l *lease) end() time.Time {
	l.cancel(nil)
	<-l.ended
	return l.until
}

// renew hides a message again each third of its visibility.
func (w *Worker) renew(ctx context.Context, l *lease, m Message) {
	every := w.settings.Visibility / 3
	for {
		wait := min(every, time.Until(l.until))
		if w.denied.Load() {
			wait = time.Until(l.until)
		}
		if !sleep(ctx, wait) {
			return
		}
		at := time.Now()
		if !at.Before(l.until) {
			l.cancel(ErrNotHeld)
			return
		}
		switch err := w.hide(ctx, l, m); {
		case err == nil:
			l.until, every = at.Add(w.settings.Visibility-safety(w.settings.Visibility)), w.settings.Visibility/3
		case ctx.Err() != nil:
			return
		case errors.Is(err, ErrNotHeld):
			l.cancel(ErrNotHeld)
			return
		case errors.Is(err, ErrDenied):
			if !w.denied.Swap(true) {
				w.log.WarnContext(ctx, "visibility_not_renewed", "reason", err.Error(),
					"way_out", "grant sqs:ChangeMessageVisibility; until then messages are hidden for a whole prompt at once")
			}
		default:
			w.log.WarnContext(ctx, "visibility_not_renewed", "message", m.ID, "reason", err.Error())
			every = max(every/3, leastPause) // sooner, since there is less time left
		}
	}
}

// hide waits for the queue no longer than the lease lasts.
func (w *Worker) hide(ctx context.Context, l *lease, m Message) error {
	ctx, cancel := context.WithDeadline(ctx, l.until)
	defer cancel()
	return w.queue.Hide(ctx, m, w.settings.Visibility)
}
