package operator

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/record"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/labels"
)

// overTheAPI is another provider of external metrics.
type overTheAPI struct{ asked []string }

func (o *overTheAPI) Values(_ context.Context, namespace, metric string, _ labels.Selector) ([]int64, time.Time, error) {
	o.asked = append(o.asked, namespace+"/"+metric)
	return []int64{7}, time.Unix(0, 0), nil
}

func TestExternalMetrics_of_Furl_are_read_in_process(t *testing.T) {
	now := time.Unix(1_800_000_000, 0)
	book := record.NewBook(record.DefaultBudget)
	book.Keep(record.Workload{Namespace: "shop", Kind: "scaledobject", Name: "worker"}, loop.Record{
		At: now, Outcome: loop.Unchanged,
		Policy: engine.Policy{Max: 10, Signals: []engine.Signal{
			{Name: "s0-queue", Kind: engine.External, Target: engine.Target{Kind: engine.AverageValue, Value: 5000}},
		}},
		Seen: engine.Observation{At: now, Replicas: engine.Replicas{Spec: 1, Status: 1}, Readings: []engine.Reading{
			{Signal: "s0-queue", Value: 12_500, At: now, ValidUntil: now.Add(time.Minute)},
		}},
	})
	api := &overTheAPI{}
	ours := true
	e := external{own: actuation.Told{Book: book, Clock: func() time.Time { return now }}, ours: func() bool { return ours }, other: api}
	of := labels.SelectorFromSet(labels.Set{"scaledobject.keda.sh/name": "worker"})

	got, at, err := e.Values(t.Context(), "shop", "s0-queue", of)
	if diff := cmp.Diff([]int64{12_500}, got); diff != "" || !at.Equal(now) || err != nil {
		t.Errorf("values %v of %v, %v, want what was decided on", got, at, err)
	}
	for why, ask := range map[string]struct {
		metric   string
		selector labels.Selector
	}{
		"scaledObject name is not specified": {"s0-queue", labels.Everything()},
		"no matching metrics found":          {"s1-other", of},
	} {
		if _, _, err := e.Values(t.Context(), "shop", ask.metric, ask.selector); err == nil || !strings.Contains(err.Error(), why) {
			t.Errorf("%v, want words of %q", err, why)
		}
	}
	if len(api.asked) > 0 {
		t.Errorf("the API server was asked for %v, and Furl has it", api.asked)
	}
	ours = false // somebody else answers for the API now
	if got, _, err := e.Values(t.Context(), "shop", "s0-queue", of); !cmp.Equal([]int64{7}, got) || err != nil {
		t.Errorf("values %v, %v, want those of the API", got, errors.Unwrap(err))
	}
	if diff := cmp.Diff([]string{"shop/s0-queue"}, api.asked); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}
