package hpa

import (
	"context"
	"sync"
	"time"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// letter is a status on its way to the API server. A busy one takes a second
// for it, in which the next sample may ask for another size: no turn waits.
type letter struct {
	mu     sync.Mutex // guards all fields
	out    bool       // from when it was put until its answer is collected
	status *autoscalingv2.HorizontalPodAutoscaler
	answer *answer
}

// answer is what became of a letter.
type answer struct {
	stored *autoscalingv2.HorizontalPodAutoscaler
	err    error
}

// isOut tells whether there is one whose answer was not collected yet.
func (l *letter) isOut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.out
}

func (l *letter) put(h *autoscalingv2.HorizontalPodAutoscaler) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.out, l.status = true, h
}

// take returns what is to be sent, once; nil when there is nothing.
func (l *letter) take() *autoscalingv2.HorizontalPodAutoscaler {
	l.mu.Lock()
	defer l.mu.Unlock()
	h := l.status
	l.status = nil
	return h
}

func (l *letter) answered(a answer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.answer = &a
}

// collect returns the answer, once; nil when there is none.
func (l *letter) collect() *answer {
	l.mu.Lock()
	defer l.mu.Unlock()
	a := l.answer
	if a != nil {
		l.out, l.answer = false, nil
	}
	return a
}

// Deliver sends the status that a turn has left to be written, and tells
// whether there was one. Unlike Sync it may be called beside a turn; the next
// turn learns what became of it.
func (a *Autoscaler) Deliver(ctx context.Context) bool {
	h := a.letter.take()
	if h == nil {
		return false
	}
	stored, err := a.ports.Status.WriteStatus(ctx, h)
	a.letter.answered(answer{stored, err})
	return true
}

// A status that could not be written is tried again after a second, after a
// minute at the most.
const (
	retryWrite   = time.Second
	retryAtMost  = time.Minute
	mostDoubling = 6
)

// learn takes in what became of the status that an earlier turn left to be written.
func (a *Autoscaler) learn(at time.Time) {
	a.unwritten = nil
	got := a.letter.collect()
	if got == nil {
		return
	}
	b := &a.book
	a.settings.Meter.Wrote(shortKind, got.err)
	if got.err != nil {
		a.unwritten = got.err
		a.ports.Events.Event(b.stored, corev1.EventTypeWarning, "FailedUpdateStatus", got.err.Error())
		b.retry = at.Add(min(retryWrite<<min(b.failures, mostDoubling), retryAtMost))
		b.failures++
		b.reread = true // what is stored is not what was wanted, whatever the numbers
		return
	}
	b.failures, b.retry = 0, time.Time{}
	if got.stored != nil && got.stored.UID == b.stored.UID && newer(got.stored.ResourceVersion, b.stored.ResourceVersion) {
		b.stored = cutObject(got.stored)
	}
}
