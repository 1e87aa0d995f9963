package inference

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// finished says since when a message was worked on and until when it is the worker's.
type finished struct{ from, held time.Time }

// finish deletes a message that was answered. It tries until the message may be somebody else's; being told to end does
// not stop it.
func (w *Worker) finish(ctx context.Context, m Message, a answer, f finished) error {
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), f.held)
	defer cancel()
	for {
		err := w.queue.Delete(ctx, m)
		if err == nil {
			w.answered(ctx, m, a, time.Since(f.from))
			return nil
		}
		hopeless := errors.Is(err, ErrNotHeld) || errors.Is(err, ErrDenied)
		if hopeless || !sleep(ctx, finishPause) {
			w.counts.lost.Inc()
			w.log.ErrorContext(ctx, "answered_but_not_deleted", "message", m.ID, "reason", err.Error(),
				"consequence", "it will be answered again")
			return err
		}
	}
}

func (w *Worker) answered(ctx context.Context, m Message, a answer, took time.Duration) {
	w.counts.answered.Inc()
	w.counts.took.Observe(took.Seconds())
	w.counts.tokens.Add(float64(a.tokens))
	fields := []any{
		"message", m.ID, "received", m.Received, "took", took.Round(time.Millisecond).String(),
		"tokens", a.tokens, "finish", a.finish,
	}
	if w.settings.LogAnswers {
		const enough = 1000 // bytes of a line
		fields = append(fields, "answer", a.text[:min(len(a.text), enough)])
	}
	w.log.InfoContext(ctx, "answered", fields...)
}

// unfinished deals with a message that was not answered: lost says whether it still is the worker's.
func (w *Worker) unfinished(ctx context.Context, m Message, err, lost error) error {
	switch {
	case errors.Is(lost, ErrNotHeld):
		w.counts.lost.Inc()
		w.log.WarnContext(ctx, "lost", "message", m.ID, "reason", err.Error())
	case errors.Is(lost, errGraceOver):
		w.giveBack(ctx, m, errGraceOver.Error())
	case errors.Is(err, ErrModelAway):
		w.giveBack(ctx, m, err.Error())
	default:
		w.counts.failed.Inc()
		again := w.settings.retryAfter(m.Received)
		w.log.WarnContext(ctx, "not_answered", "message", m.ID, "received", m.Received, "reason", err.Error(), "again_in", again.String())
		w.put(ctx, m, again)
	}
	return err
}

// giveBack makes a message visible to others at once.
func (w *Worker) giveBack(ctx context.Context, m Message, why string) {
	w.counts.returned.Inc()
	w.log.InfoContext(ctx, "given_back", "message", m.ID, "reason", why)
	w.put(ctx, m, 0)
}

// put sets when a message may be received again; if that fails, its visibility timeout does.
func (w *Worker) put(ctx context.Context, m Message, again time.Duration) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), backTimeout)
	defer cancel()
	if err := w.queue.Hide(ctx, m, again); err != nil && !errors.Is(err, ErrNotHeld) {
		w.log.WarnContext(ctx, "not_given_back", "message", m.ID, "reason", err.Error(), "again_in", "a visibility timeout at most")
	}
}

// bury takes a message out of the way that was received too often.
func (w *Worker) bury(ctx context.Context, m Message) error {
	err := w.queue.Bury(context.WithoutCancel(ctx), m)
	if err != nil {
		w.counts.failed.Inc()
		w.log.ErrorContext(ctx, "not_buried", "message", m.ID, "received", m.Received, "reason", err.Error())
		w.put(ctx, m, w.settings.retryAfter(m.Received))
		return fmt.Errorf("bury: %w", err)
	}
	w.counts.buried.Inc()
	w.log.WarnContext(ctx, "buried", "message", m.ID, "received", m.Received, "limit", w.settings.MaxReceives)
	return nil
}
