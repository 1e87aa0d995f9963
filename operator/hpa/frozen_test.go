package hpa_test

import (
	"testing"
	"time"

	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
)

func TestAutoscaler_writes_no_size_while_frozen_and_says_so_once(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	p.closed, p.cpu = "the whole cluster is frozen by ann", 300
	p.sync(10 * time.Second)
	since := p.status().Conditions[0].LastTransitionTime
	p.sync(10 * time.Second)
	same(t, "sizes written", p.scaled, []int32(nil))
	same(t, "conditions", p.reasons(), []string{
		"AbleToScale=False/Frozen", "ScalingActive=True/ValidMetricFound", "ScalingLimited=True/ScaleUpLimit",
	})
	same(t, "sizes", []int32{p.status().CurrentReplicas, p.status().DesiredReplicas}, []int32{2, 4})
	same(t, "since when", p.status().Conditions[0].LastTransitionTime, since)
	same(t, "message", p.status().Conditions[0].Message, p.closed)
	same(t, "events", p.events, []string{"Warning Frozen: No size is written: the whole cluster is frozen by ann"})
	r, _ := p.book.Latest(record.Workload{Namespace: "default", Kind: "hpa", Name: "web"})
	same(t, "outcome", r.Outcome, loop.Frozen)

	p.closed, p.events = "", nil
	p.sync(10 * time.Second)
	same(t, "sizes written after it", p.scaled, []int32{4})
	same(t, "first condition", p.reasons()[0], "AbleToScale=True/SucceededRescale")
	same(t, "first event", p.events[len(p.events)-1], "Normal Unfrozen: Sizes are written again")
}
