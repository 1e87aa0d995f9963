package hpa

import (
	"context"

	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/operator/hush"
	corev1 "k8s.io/api/core/v1"
)

// rank lets the idle pods go first when the workload shrinks. The new size
// does not depend on it: what could not be done is told, and no more.
func (a *Autoscaler) rank(ctx context.Context, to int32) {
	if a.ports.Idle == nil {
		return
	}
	topic := hush.Topic{Reason: busy.EventUnranked}
	err := a.ports.Idle.Rank(ctx, busy.Shrink{Scale: a.eye.scale, To: to, Busy: a.compiled.Busy})
	if err != nil && a.book.said.MaySay(topic, err.Error(), a.began) {
		a.ports.Events.Event(a.book.stored, corev1.EventTypeWarning, topic.Reason, err.Error())
	}
}
