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
	one.Decided("scaledobject", meter.Object{Namespace: "shop", Name: "worker"}, scaled)
	two.Decided("hpa", meter.Object{Namespace: "shop", Name: "web"}, &loop.Record{Outcome: loop.Unchanged})
	two.Decided("hpa", meter.Object{Namespace: "shop", Name: "web"}, &loop.Record{Outcome: loop.Unchanged})
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

func TestMeter_shows_what_an_object_lacks_while_it_does(t *testing.T) {
	r := prometheus.NewRegistry()
	m, web := meter.New(r), meter.Object{Namespace: "shop", Name: "web"}
	shows := func(why, want string) {
		t.Helper()
		names := []string{"furl_replicas", "furl_signals_missing", "furl_replicas_above_maximum"}
		if err := testutil.GatherAndCompare(r, strings.NewReader(want), names...); err != nil {
			t.Errorf("%s: %v", why, err)
		}
	}
	const size = "# HELP furl_replicas The size that was last decided for the workload of an object.\n# TYPE furl_replicas gauge\n"
	m.Decided("hpa", web, &loop.Record{
		Outcome: loop.Unchanged,
		Seen:    engine.Observation{Readings: []engine.Reading{{Signal: "cpu"}, {Signal: "queue", Missing: "connection refused"}}},
		Decision: engine.Decision{From: 5, To: 5, Steps: []engine.Step{
			{Rule: engine.RuleClamp, Case: engine.CaseTooMany, Before: 9, After: 5},
		}},
	})
	held := size + `furl_replicas{kind="hpa",name="web",namespace="shop"} 5
# HELP furl_replicas_above_maximum Replicas that are wanted beyond the maximum of an object; no series while none are.
# TYPE furl_replicas_above_maximum gauge
furl_replicas_above_maximum{kind="hpa",name="web",namespace="shop"} 4
# HELP furl_signals_missing Signals of an object that had no value when it was last decided on; no series while all have one.
# TYPE furl_signals_missing gauge
furl_signals_missing{kind="hpa",name="web",namespace="shop"} 1
`
	shows("9 wanted of 5, and a signal is missing", held)
	m.Decided("hpa", web, &loop.Record{Outcome: loop.Unseen})
	shows("its size cannot be read, so nothing was decided", held)
	m.Decided("hpa", web, &loop.Record{Outcome: loop.Scaled, Decision: engine.Decision{From: 5, To: 2}})
	shows("all is well", size+"furl_replicas{kind=\"hpa\",name=\"web\",namespace=\"shop\"} 2\n")
	m.Forget("hpa", web)
	shows("it is gone", "")
}
