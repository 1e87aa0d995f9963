package meter_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/meter"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestMeter_is_shared_by_all_kinds(t *testing.T) {
	r := prometheus.NewRegistry()
	one, two := meter.New(r), meter.New(r)
	scaled := &loop.Record{Outcome: loop.Scaled, Decision: engine.Decision{Steps: []engine.Step{
		{Rule: engine.RuleActivate, Before: 0, After: 1}, {Rule: engine.RuleHold, Before: 1, After: 1},
	}}}
	one.Decided("scaledobject", scaled)
	two.Decided("hpa", &loop.Record{Outcome: loop.Unchanged})
	two.Decided("hpa", &loop.Record{Outcome: loop.Unchanged})
	one.Wrote("scaledobject", nil)
	two.Wrote("scaledobject", errors.New("conflict"))
	two.Reacted(30 * time.Millisecond)
	want := `
# HELP furl_decisions_total Decisions by the last rule that changed the size (none: no rule did) and by outcome.
# TYPE furl_decisions_total counter
furl_decisions_total{kind="hpa",outcome="unchanged",rule="none"} 2
furl_decisions_total{kind="scaledobject",outcome="scaled",rule="activate"} 1
# HELP furl_status_writes_total Writes of an object's status by kind and result (written, failed).
# TYPE furl_status_writes_total counter
furl_status_writes_total{kind="scaledobject",result="failed"} 1
furl_status_writes_total{kind="scaledobject",result="written"} 1
`
	if err := testutil.GatherAndCompare(r, strings.NewReader(want), "furl_decisions_total", "furl_status_writes_total"); err != nil {
		t.Error(err)
	}
	if n, err := testutil.GatherAndCount(r, "furl_wake_to_scale_seconds"); err != nil || n != 1 {
		t.Errorf("%d histograms (%v), want one", n, err)
	}
}
