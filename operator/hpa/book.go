package hpa

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/operator/hush"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// book holds the status of one HPA: as it should be, as it is stored, and what
// was said about it.
type book struct {
	seen   *autoscalingv2.HorizontalPodAutoscaler // newest state that the watch told
	stored *autoscalingv2.HorizontalPodAutoscaler // newest state known, maybe by our own write
	want   autoscalingv2.HorizontalPodAutoscalerStatus

	everyChange bool
	reread      bool      // the spec changed, so that the same numbers may be of other metrics
	wrote       time.Time // when the status was last written
	due         time.Time // when a status held back must be written, zero for none
	said        hush.Log

	failures int       // of writes that were left to others, in a row
	retry    time.Time // no such write before
}

// see takes a state that the watch told, unless our own write is newer.
func (b *book) see(h *autoscalingv2.HorizontalPodAutoscaler, at time.Time) {
	b.seen = h
	switch {
	case b.stored == nil || b.stored.UID != h.UID:
		b.want = *h.Status.DeepCopy()
		b.stored = h
		if len(h.Status.Conditions) > 0 {
			b.wrote = at // numbers may wait: somebody wrote them before us
		}
	case newer(h.ResourceVersion, b.stored.ResourceVersion):
		b.stored = h
	}
}

// uid is that of the object the book is about, empty before there is one.
func (b *book) uid() types.UID {
	if b.stored == nil {
		return ""
	}
	return b.stored.UID
}

// newer tells whether version a comes after b; versions that cannot be compared count as new.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err != nil || order > 0
}

// maySay tells whether an event should be sent, and notes that it is.
func (b *book) maySay(t hush.Topic, message string, at time.Time) bool {
	return b.everyChange || b.said.MaySay(t, message, at)
}

// write stores the status if it is time to.
func (a *Autoscaler) write(ctx context.Context, at time.Time) error {
	b := &a.book
	b.due = time.Time{}
	if a.letter.isOut() {
		return nil // its answer is a turn of its own
	}
	if !b.reread && sameStatus(&b.stored.Status, &b.want) {
		return nil
	}
	if pace := b.pace(a.loop.Policy().Signals); !b.everyChange && pace > 0 {
		if pace == never && !b.reread {
			return nil
		}
		if pace == never {
			pace = quietPace // the same numbers, of other metrics
		}
		switch due := b.wrote.Add(pace); {
		case due.After(at):
			b.due = due
			return nil
		}
	}
	if a.settings.Post != nil {
		return a.post(at)
	}
	h := *b.stored
	h.Status = *b.want.DeepCopy()
	stored, err := a.ports.Status.WriteStatus(ctx, &h)
	a.settings.Meter.Wrote(shortKind, err)
	if err != nil {
		a.ports.Events.Event(b.stored, corev1.EventTypeWarning, "FailedUpdateStatus", err.Error())
		return fmt.Errorf("status of HPA %s: %w", a.key, err)
	}
	b.wrote, b.reread = at, false
	if stored != nil {
		b.stored = cutObject(stored)
	}
	return nil
}

// post leaves the status to be written beside the turns.
func (a *Autoscaler) post(at time.Time) error {
	b := &a.book
	if b.retry.After(at) {
		b.due = b.retry
		return a.unwritten
	}
	h := *b.stored
	h.Status = *b.want.DeepCopy()
	b.wrote, b.reread = at, false
	a.letter.put(&h)
	a.settings.Post(a.key)
	return nil
}
