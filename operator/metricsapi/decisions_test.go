package metricsapi_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	"github.com/google/go-cmp/cmp"
	"k8s.io/client-go/rest"
)

func hpa(name string) record.Workload {
	return record.Workload{Namespace: "shop", Kind: "hpa", Name: name}
}

// decided is what the engine makes of so many pods at so many percent of their
// requests, at so many seconds, with a target of 50 %.
func decided(seconds, pods int32, percent int64) loop.Record {
	at := epoch().Add(time.Duration(seconds) * time.Second)
	p := engine.Policy{
		Min: 1, Max: 10, Tolerance: engine.Tolerance{Up: 0.1, Down: 0.1},
		Signals: []engine.Signal{{Name: "cpu", Target: engine.Target{Kind: engine.Utilization, Value: 50}}},
	}
	o := engine.Observation{At: at, Replicas: engine.Replicas{Spec: pods, Status: pods}, Readings: []engine.Reading{{
		Signal: "cpu", At: at,
		Usage: engine.Usage{Ready: engine.Tally{Pods: pods, Value: int64(pods) * percent * 2, Requests: int64(pods) * 200}, Listed: pods},
	}}}
	r := loop.Record{At: at, Policy: p, Seen: o, Outcome: loop.Unchanged}
	if r.Decision, _ = engine.Decide(p, o, r.Past); r.Decision.From != r.Decision.To {
		r.Outcome = loop.Scaled
	}
	return r
}

// book has two workloads: web scaled 1 → 5 → 10, and one that cannot be seen.
func book() *record.Book {
	b := record.NewBook(record.DefaultBudget)
	b.Keep(hpa("web"), decided(0, 1, 250))
	b.Keep(hpa("web"), decided(60, 5, 120))
	b.Keep(hpa("lost"), loop.Record{At: epoch(), Outcome: loop.Unseen, Err: errors.New("deployments.apps \"lost\" not found")})
	return b
}

const decisionsPath = "/apis/decisions.furl.dev/v1alpha1/namespaces/shop/decisions"

func read[T any](t testing.TB, path string) (out T) {
	t.Helper()
	if err := json.Unmarshal(get(t, access, path, "application/json"), &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestDecisions_tell_why_the_size_is_what_it_is(t *testing.T) {
	d := read[v1alpha1.Decision](t, decisionsPath+"/hpa.web")
	if d.Kind != "Decision" || d.Namespace != "shop" || d.Name != "hpa.web" || d.Object != "hpa/web" || d.History != nil {
		t.Errorf("object: %+v", d.ObjectMeta)
	}
	last := d.Latest
	if last.From != 5 || last.To != 10 || last.Outcome != "scaled" || !last.At.Time.Equal(epoch().Add(60*time.Second)) {
		t.Errorf("latest: %+v", last)
	}
	if len(last.Steps) == 0 || last.Steps[0].Rule != "measure" || !strings.Contains(last.Steps[0].Sentence, "120") {
		t.Errorf("steps: %+v", last.Steps)
	}
	if last.Rule != "clamp" || last.Why != last.Steps[len(last.Steps)-1].Sentence {
		t.Errorf("%s: %q, want the last step's sentence", last.Rule, last.Why)
	}
	percent, target, replicas := int32(120), int32(50), int32(12)
	average, total := last.Signals[0].Average, last.Signals[0].Total
	if average.String() != "240m" || total == nil {
		t.Errorf("average %s, total %s", average, total)
	}
	want := []v1alpha1.Signal{{
		Name: "cpu", Target: v1alpha1.Target{Type: "Utilization", Utilization: &target},
		Utilization: &percent, Replicas: &replicas, Average: average, Total: total,
	}}
	if diff := cmp.Diff(want, last.Signals); diff != "" {
		t.Errorf("signals (-want +got):\n%s", diff)
	}
}

func TestDecisions_list_every_workload(t *testing.T) {
	for query, want := range map[string][]string{
		"":                                     {"hpa.lost", "hpa.web"},
		"?fieldSelector=metadata.name=hpa.web": {"hpa.web"},
		"?labelSelector=team=a":                {},
	} {
		list := read[v1alpha1.DecisionList](t, decisionsPath+query).Items
		got := make([]string, 0, len(list))
		for _, d := range list {
			got = append(got, d.Name)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
	if all := read[v1alpha1.DecisionList](t, "/apis/decisions.furl.dev/v1alpha1/decisions"); len(all.Items) != 2 {
		t.Errorf("%d in all namespaces, want 2", len(all.Items))
	}
}

func TestDecisions_give_the_history_newest_first(t *testing.T) {
	for query, want := range map[string][]int32{
		"":                            {10, 5},
		"?limit=1":                    {10},
		"?since=2027-01-15T08:00:30Z": {10},
		"?limit=5&evidence=true":      {10, 5},
	} {
		past := read[v1alpha1.Decision](t, decisionsPath+"/hpa.web/history"+query).History
		got := make([]int32, 0, len(past))
		for _, r := range past {
			got = append(got, r.To)
			if (r.Evidence != nil) != strings.Contains(query, "evidence") {
				t.Errorf("%q: evidence %v", query, r.Evidence)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", query, diff)
		}
	}
}

func TestDecisions_give_evidence_that_replays(t *testing.T) {
	d := read[v1alpha1.Decision](t, decisionsPath+"/hpa.web/history?evidence=true")
	for _, r := range d.History {
		records, err := record.Import(strings.NewReader(string(r.Evidence.Raw)))
		if err != nil || len(records) != 1 {
			t.Fatalf("evidence: %d records, %v", len(records), err)
		}
		again, err := record.Replay(records[0])
		if err != nil || again.From != r.From || again.To != r.To || len(again.Steps) != len(r.Steps) {
			t.Errorf("replayed %d to %d, %v; want %d to %d", again.From, again.To, err, r.From, r.To)
		}
	}
}

func TestDecisions_refuse_what_they_do_not_have(t *testing.T) {
	client, err := rest.HTTPClientFor(access)
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]int{
		"/hpa.ghost":                       http.StatusNotFound,
		"/web":                             http.StatusNotFound,
		"/hpa.ghost/history":               http.StatusNotFound,
		"/hpa.web/history?limit=many":      http.StatusBadRequest,
		"/hpa.web/history?limit=-1":        http.StatusBadRequest,
		"/hpa.web/history?since=yesterday": http.StatusBadRequest,
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, access.Host+decisionsPath+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		if err := res.Body.Close(); err != nil || res.StatusCode != want {
			t.Errorf("GET %s: %s %v, want %d", path, res.Status, err, want)
		}
	}
}

func TestDecisions_print_tables_for_kubectl(t *testing.T) {
	header := []any{"Object", "From", "To", "Rule", "Why", "Age"}
	list := grid(t, get(t, access, decisionsPath, asTable))
	if diff := cmp.Diff([][]any{
		header,
		{"hpa/lost", nil, nil, "unseen", `deployments.apps "lost" not found`, "90s"},
		{"hpa/web", 5.0, 10.0, "clamp", list[2][4], "30s"},
	}, list); diff != "" {
		t.Errorf("list (-want +got):\n%s", diff)
	}
	past := grid(t, get(t, access, decisionsPath+"/hpa.web/history", asTable))
	want := [][]any{
		header,
		{"hpa/web", 5.0, 10.0, "clamp", "12 is more than the maximum of 10", "30s"},
		{"hpa/web", 1.0, 5.0, "measure", "250% of the requests over a target of 50% on 1 ready pod", "90s"},
	}
	if diff := cmp.Diff(want, past); diff != "" {
		t.Errorf("history (-want +got):\n%s", diff)
	}
}

func TestDecisions_are_described(t *testing.T) {
	for _, path := range []string{"/openapi/v2", "/openapi/v3/apis/decisions.furl.dev/v1alpha1"} {
		if body := get(t, access, path, "application/json"); !strings.Contains(string(body), "dev.furl.decisions.v1alpha1.Decision") {
			t.Errorf("%s does not describe Decision", path)
		}
	}
}
