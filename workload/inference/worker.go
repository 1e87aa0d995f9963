package inference

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"
)

// errGraceOver ends the work that a worker still holds when its time is up.
var errGraceOver = errors.New("the time to finish is over")

const (
	firstPause = 500 * time.Millisecond
	// healthPause is the longest between two questions to a model that loads: pods should be useful soon after.
	healthPause = 2 * time.Second
	queuePause  = 30 * time.Second
)

// Worker answers messages. Make it with [New].
type Worker struct {
	settings Settings
	queue    Queue
	model    *Model
	log      *slog.Logger
	counts   *counts

	ready   atomic.Bool   // the model answers and messages are received
	denied  atomic.Bool   // the worker may not change visibilities
	drained chan struct{} // closed when nothing is held any more and nothing will be received
}

// New checks the settings and gives a worker that does nothing until it runs.
func New(s Settings, q Queue, m *Model, log *slog.Logger) (*Worker, error) {
	if err := s.Check(); err != nil {
		return nil, err
	}
	return &Worker{settings: s, queue: q, model: m, log: log, counts: newCounts(s.Slots), drained: make(chan struct{})}, nil
}

// Run works until ctx ends. Then it receives nothing more, has Grace to finish what it holds, gives the rest back and
// returns. It runs once.
func (w *Worker) Run(ctx context.Context) {
	defer close(w.drained)
	var watch sync.WaitGroup
	defer watch.Wait()
	work, stop := context.WithCancelCause(context.WithoutCancel(ctx))
	defer stop(nil)
	watch.Go(func() { w.limitEnding(ctx, work, stop) })
	if !w.awaitModel(ctx) {
		return
	}
	var slots sync.WaitGroup
	for range w.settings.Slots {
		slots.Go(func() { w.slot(ctx, work) })
	}
	slots.Wait()
}

// limitEnding lets the work go on for the grace after ctx has ended.
func (w *Worker) limitEnding(ctx, work context.Context, stop context.CancelCauseFunc) {
	select {
	case <-ctx.Done():
	case <-work.Done():
		return
	}
	w.setReady(false)
	w.log.InfoContext(work, "stopping", "holds", w.counts.holding.Load(), "grace", w.settings.Grace.String())
	if sleep(work, w.settings.Grace) {
		stop(errGraceOver)
	}
}

// slot works on one message after the other. It receives until ctx ends; work is what bounds the message it holds.
func (w *Worker) slot(ctx, work context.Context) {
	pause := firstPause
	for ctx.Err() == nil {
		m, err := w.receive(ctx)
		switch {
		case err != nil && ctx.Err() == nil:
			w.log.WarnContext(ctx, "not_received", "reason", err.Error(), "again_in", pause.String())
			sleep(ctx, pause)
			pause = min(2*pause, queuePause)
			continue
		case m == nil:
			pause = firstPause
			continue
		}
		pause = firstPause
		if ctx.Err() != nil { // it was on its way when the worker was told to end
			w.giveBack(work, *m, "told to end")
			return
		}
		if errors.Is(w.process(work, *m), ErrModelAway) && !w.awaitModel(ctx) {
			return
		}
	}
}

// receive waits for a message. A poll that is open when ctx ends may stay for a moment: the queue may have handed a
// message out already, which nobody would see for a visibility timeout if the line were cut.
func (w *Worker) receive(ctx context.Context) (*Message, error) {
	poll, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	cut := context.AfterFunc(ctx, func() {
		sleep(poll, w.settings.Settle)
		cancel()
	})
	defer cut()
	hide := w.settings.Visibility
	if w.denied.Load() { // once must do for the whole prompt
		hide = max(hide, w.settings.PromptTimeout+safety(w.settings.PromptTimeout))
	}
	m, err := w.queue.Receive(poll, hide)
	if m != nil {
		m.until = time.Now().Add(hide - safety(hide))
		w.counts.received.Inc()
	}
	return m, err
}

// awaitModel waits until the model is loaded; it says false when ctx ended first.
func (w *Worker) awaitModel(ctx context.Context) bool {
	from, pause, told := time.Now(), firstPause, false
	for ctx.Err() == nil {
		err := w.model.Healthy(ctx)
		if err == nil {
			w.setReady(true)
			w.log.InfoContext(ctx, "model_ready", "waited", time.Since(from).Round(time.Millisecond).String())
			return true
		}
		w.setReady(false)
		if !told && ctx.Err() == nil {
			w.log.InfoContext(ctx, "waiting_for_model", "endpoint", w.model.Endpoint, "reason", err.Error())
			told = true
		}
		sleep(ctx, pause)
		pause = min(2*pause, healthPause)
	}
	return false
}

func (w *Worker) setReady(is bool) { //nolint:revive // a fact, not a mode
	w.ready.Store(is)
	w.counts.ready.Set(0)
	if is {
		w.counts.ready.Set(1)
	}
}

// sleep says whether it slept through.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// process answers one message. The error says why not; it has been dealt with.
func (w *Worker) process(ctx context.Context, m Message) error {
	w.counts.hold(1)
	defer w.counts.hold(-1)
	if limit := w.settings.MaxReceives; limit > 0 && m.Received > limit {
		return w.bury(ctx, m)
	}
	from := time.Now()
	held, l := w.lease(ctx, m)
	a, err := w.ask(held, m)
	lost := context.Cause(held)
	until := l.end()
	if err == nil {
		return w.finish(ctx, m, a, finished{from: from, held: until})
	}
	return w.unfinished(ctx, m, err, lost)
}

// ask has the model answer a message.
func (w *Worker) ask(ctx context.Context, m Message) (answer, error) {
	p, err := parsePrompt(m.Body)
	if err != nil {
		return answer{}, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, w.settings.PromptTimeout, fmt.Errorf("no answer within %v", w.settings.PromptTimeout))
	defer cancel()
	a, err := w.model.answer(ctx, p)
	if err != nil && ctx.Err() != nil {
		return a, context.Cause(ctx)
	}
	return a, err
}
