package metricsapi

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/evidence"
	"github.com/furl-dev/furl/trigger/triggertest"
)

const secret = "s3cret-of+the/test"

// stats is a server with a number in its answer, behind a key.
var stats = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("X-API-KEY") != secret {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(w, `{"components":{"worker":{"tasks":"42"}}}`)
})

func input(url string) trigger.Input {
	return trigger.Input{
		Metadata: map[string]string{
			"url": url + "/stats?of=all", "valueLocation": "components.worker.tasks", "targetValue": "7", "authMode": "apiKey",
		},
		Auth: map[string]string{"apiKey": secret},
	}
}

func TestSource_keeps_what_every_trigger_promises(t *testing.T) {
	triggertest.Run(t, triggertest.Suite{
		Kind: Kind(), Input: input, Good: stats, Want: 42, Secrets: []string{secret}, Evidence: evidence.Real,
		Bad: []triggertest.Bad{
			{Why: "no target", Change: map[string]string{"targetValue": ""}, Says: "targetValue"},
			{Why: "a mode that it has not", Change: map[string]string{"authMode": "oauth"}, Says: "authModes"},
			{Why: "a mode without its part", Change: map[string]string{"authMode": "basic"}, Says: "username"},
			{
				Why: "pods of no Service", Says: "SERVICE.NAMESPACE",
				Change: map[string]string{"aggregateFromKubeServiceEndpoints": "true", "url": "http://service/"},
			},
		},
	})
}

// read reads once from changed settings of a server.
func read(t *testing.T, env trigger.Env, url string, metadata, auth map[string]string) (trigger.Sample, error) {
	t.Helper()
	in := trigger.Input{
		Metadata: map[string]string{"url": url, "valueLocation": "n", "targetValue": "7"}, Auth: auth,
	}
	maps.Copy(in.Metadata, metadata)
	c, err := Kind().Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	env.HTTP, env.Now = &http.Client{Transport: transport}, triggertest.Noon
	s, err := c.Open(t.Context(), env)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	return s.Read(t.Context())
}

func TestNumber_reads_what_KEDA_reads(t *testing.T) {
	text, err := os.ReadFile(filepath.Join("..", "..", "conformance", "testdata", "keda", "trigger_functions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var all []struct {
		ID       string
		Category string
		Input    struct {
			Arguments struct{ Body, Format, ValueLocation any }
		}
		Expected struct {
			Results struct {
				Value any `json:"float64"`
				Error *string
			}
		}
	}
	if err := json.Unmarshal(text, &all); err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, r := range all {
		if r.Category != "trigger_functions/GetValueFromResponse" {
			continue
		}
		ran++
		a := r.Input.Arguments
		got, err := number([]byte(fmt.Sprint(a.Body)), fmt.Sprint(a.ValueLocation), fmt.Sprint(a.Format))
		if (err != nil) != (r.Expected.Results.Error != nil) || err == nil && fmt.Sprint(got) != fmt.Sprint(r.Expected.Results.Value) {
			t.Errorf("%s: %v, %v, want %v, %v", r.ID, got, err, r.Expected.Results.Value, r.Expected.Results.Error)
		}
	}
	if ran == 0 {
		t.Error("no record ran")
	}
}

const exposition = "# TYPE queue_size gauge\nqueue_size{name=\"a\",zone=\"x\"} 1\r\nqueue_size{name=\"b\",zone=\"y\"} 2\nqueue_size{name=\"b\"} 3\n" +
	"# TYPE done counter\ndone 10\n# TYPE seconds histogram\nseconds_bucket{le=\"+Inf\"} 1\nseconds_sum 1\nseconds_count 1\n# TYPE broken gauge\nbroken NaN"

func TestNumber_finds_the_value(t *testing.T) {
	for _, tc := range []struct {
		why, format, body, location string
		want                        float64
	}{
		{"a number", "json", `{"a":{"b":2.5}}`, "a.b", 2.5},
		{"an element", "json", `{"a":[1,{"b":3}]}`, "a.1.b", 3},
		{"GJSON's own words", "json", `{"a":[1,2,3]}`, "a.#", 3},
		{"a quantity", "json", `{"a":"10Mi"}`, "a", 10 * 1024 * 1024},
		{"a number beside NaN", "json", `{"a":1,"b":NaN}`, "a", 1},
		{"lines of JSON", "json", "{\"a\":1}\n{\"a\":2}", "..1.a", 2},
		{"a bare number", "json", "17\n", "@this", 17},
		{"YAML", "yaml", "a:\n  - b: 12\n", "a.0.b", 12},
		{"YAML with a key that is a number", "yaml", "1: {b: 500m}\n", "1.b", 0.5},
		{"XML", "xml", `<?xml version="1.0"?><stats><queue>7</queue></stats>`, "stats.queue", 7},
		{"XML with a name that repeats", "xml", `<s><q>1</q><q>2</q><q>3</q></s>`, "s.q.1", 2},
		{"XML attributes", "xml", `<s><q size="9">text</q></s>`, "s.q.-size", 9},
		{"XML text beside attributes", "xml", `<s><q unit="n">8</q></s>`, "s.q.#text", 8},
		{"a series", "prometheus", exposition, "done", 10},
		{"a label", "prometheus", exposition, `queue_size{name="a"}`, 1},
		{"the first of several", "prometheus", exposition, `queue_size{name="b"}`, 2},
		{"two labels", "prometheus", exposition, `queue_size{ name = 'b' , zone="y", }`, 2},
		{"a label that must not be", "prometheus", exposition, `queue_size{name="b",zone=""}`, 3},
		{"not equal", "prometheus", exposition, `queue_size{name!="a"}`, 2},
		{"a pattern", "prometheus", exposition, `queue_size{zone=~"y|z"}`, 2},
		{"not a pattern", "prometheus", exposition, `queue_size{zone!~"x|y"}`, 3},
		{"the name as a label", "prometheus", exposition, `{__name__="done"}`, 10},
	} {
		got, err := number([]byte(tc.body), tc.location, tc.format)
		if err != nil || got != tc.want {
			t.Errorf("%s: %v, %v, want %v", tc.why, got, err, tc.want)
		}
	}
}

func TestNumber_has_no_data_where_there_is_no_number(t *testing.T) {
	for _, tc := range []struct{ why, format, body, location string }{
		{"nothing there", "json", `{"a":1}`, "b"},
		{"null", "json", `{"a":null}`, "a"},
		{"true", "json", `{"a":true}`, "a"},
		{"an object", "json", `{"a":{}}`, "a"},
		{"no quantity", "json", `{"a":"NaN"}`, "a"},
		{"cut off", "json", `{"a":1`, "a"},
		{"NaN itself", "json", `{"a":NaN}`, "a"},
		{"a page", "json", "<html>", "a"},
		{"an index too far", "yaml", "a: [1]", "a.1"},
		{"no key", "yaml", "a: {b: 1}", "a.c"},
		{"infinite", "yaml", "a: .inf", "a"},
		{"cut off", "xml", "<a><b>1</b>", "a.b"},
		{"too deep", "xml", strings.Repeat("<a>", 200), "a"},
		{"no such metric", "prometheus", exposition, "other"},
		{"no such series", "prometheus", exposition, `queue_size{name="c"}`},
		{"a histogram", "prometheus", exposition, "seconds"},
		{"not a number", "prometheus", exposition, "broken"},
		{"a value without quotes", "prometheus", exposition, "queue_size{name=a}"},
		{"a selector that is open", "prometheus", exposition, `queue_size{name="a"`},
		{"no comma", "prometheus", exposition, `queue_size{name="a" zone="x"}`},
		{"a bad pattern", "prometheus", exposition, `queue_size{name=~"("}`},
		{"no name", "prometheus", exposition, `{zone="x"}`},
		{"not the format", "prometheus", "<html>", "done"},
	} {
		if got, err := number([]byte(tc.body), tc.location, tc.format); err == nil {
			t.Errorf("%s: %s: got %v, want an error", tc.format, tc.why, got)
		}
	}
}

func FuzzNumber(f *testing.F) {
	f.Add([]byte(`{"a":1}`), "a", uint8(0))
	f.Add([]byte("<a>1</a>"), "a", uint8(1))
	f.Add([]byte("a: 1"), "a", uint8(2))
	f.Add([]byte(exposition), `queue_size{name="b"}`, uint8(3))
	f.Fuzz(func(t *testing.T, body []byte, location string, format uint8) {
		n, err := number(body, location, []string{"json", "xml", "yaml", "prometheus"}[format%4])
		if err == nil && (math.IsNaN(n) || math.IsInf(n, 0)) {
			t.Errorf("%v without an error", n)
		}
	})
}

func TestRead_proves_who_asks(t *testing.T) {
	for _, tc := range []struct {
		why            string
		metadata, auth map[string]string
		want           func(*http.Request) bool
	}{
		{"apiKey in a header", map[string]string{"authMode": "apiKey", "apiKey": "k"}, nil, func(r *http.Request) bool { return r.Header.Get("X-Api-Key") == "k" }},
		{
			"apiKey in a header of another name",
			map[string]string{"authMode": "apiKey", "keyParamName": "X-Mine"},
			map[string]string{"apiKey": "k"},
			func(r *http.Request) bool { return r.Header.Get("X-Mine") == "k" },
		},
		{
			"apiKey in the query",
			map[string]string{"authMode": "apiKey", "method": "query"},
			map[string]string{"apiKey": "k&k"},
			func(r *http.Request) bool {
				return r.URL.Query().Get("api_key") == "k&k" && r.URL.Query().Get("of") == "all"
			},
		},
		{
			"basic",
			map[string]string{"authMode": "basic"},
			map[string]string{"username": "u", "password": "p"},
			func(r *http.Request) bool { u, p, _ := r.BasicAuth(); return u == "u" && p == "p" },
		},
		{
			"bearer",
			map[string]string{"authMode": "bearer"},
			map[string]string{"token": "t"},
			func(r *http.Request) bool { return r.Header.Get("Authorization") == "Bearer t" },
		},
		{
			"two at a time",
			map[string]string{"authMode": "apiKey,basic"},
			map[string]string{"apiKey": "k", "username": "u"},
			func(r *http.Request) bool {
				u, _, _ := r.BasicAuth()
				return u == "u" && r.Header.Get("X-Api-Key") == "k"
			},
		},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if !tc.want(r) {
				w.WriteHeader(http.StatusUnauthorized)
			}
			_, _ = io.WriteString(w, `{"n":5}`)
		}))
		got, err := read(t, trigger.Env{}, server.URL+"/?of=all", tc.metadata, tc.auth)
		server.Close()
		if err != nil || got.Value != 5 {
			t.Errorf("%s: %v, %v, want 5", tc.why, got.Value, err)
		}
	}
}

// pods is a cluster with the pods of one Service.
type pods []string

func (pods) CountPods(context.Context, string, string, bool) (int64, error) { return 0, nil }

func (p pods) Endpoints(_ context.Context, namespace, service string, port int) ([]string, error) {
	if namespace != "shop" || service != "api" || port != 8080 {
		return nil, fmt.Errorf("asked for %s/%s:%d", namespace, service, port)
	}
	return p, nil
}

func TestRead_aggregates_over_the_pods_of_a_service(t *testing.T) {
	answers := []string{`{"n":1}`, `{"n":"2"}`, `{"n":6}`, "broken"}
	cluster := make(pods, 0, len(answers))
	for _, answer := range answers {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/stats" {
				w.WriteHeader(http.StatusNotFound)
			}
			_, _ = io.WriteString(w, answer)
		}))
		t.Cleanup(server.Close)
		cluster = append(cluster, strings.TrimPrefix(server.URL, "http://"))
	}
	for how, want := range map[string]float64{"average": 3, "sum": 9, "max": 6, "min": 1} {
		got, err := read(t, trigger.Env{Cluster: cluster}, "http://api.shop.svc:8080/stats",
			map[string]string{"aggregateFromKubeServiceEndpoints": "true", "aggregationType": how}, nil)
		if err != nil || got.Value != want {
			t.Errorf("%s: %v, %v, want %v", how, got.Value, err, want)
		}
	}
	for _, none := range []pods{nil, cluster[3:]} {
		if got, err := read(t, trigger.Env{Cluster: none}, "http://api.shop:8080/stats",
			map[string]string{"aggregateFromKubeServiceEndpoints": "true", "aggregationType": "sum"}, nil); err == nil {
			t.Errorf("%d pods without a value: %v, want an error", len(none), got.Value)
		}
	}
}
