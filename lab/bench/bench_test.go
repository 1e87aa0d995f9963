package bench

import (
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/triggers/external/externalscaler"
	"github.com/google/go-cmp/cmp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
)

const auditLog = `{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"update","requestURI":"/x","objectRef":{"resource":"leases"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:10.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"patch","requestURI":"/x","objectRef":{"resource":"scaledobjects","subresource":"status"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:11.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"update","requestURI":"/x","objectRef":{"resource":"deployments","subresource":"scale","name":"web"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:12.000000Z"}
{"user":{"username":"system:serviceaccount:kube-system:deployment-controller"},"verb":"update","requestURI":"/x","objectRef":{"resource":"deployments","subresource":"status","name":"web"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:12.500000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"update","requestURI":"/x","objectRef":{"resource":"deployments","subresource":"scale","name":"web"},"responseStatus":{"code":409},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:13.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"create","requestURI":"/x","objectRef":{"resource":"subjectaccessreviews"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:14.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"get","requestURI":"/apis?timeout=32s","requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:15.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"watch","requestURI":"/x","objectRef":{"resource":"pods"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:16.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"patch","requestURI":"/x","objectRef":{"resource":"events"},"requestReceivedTimestamp":"2026-01-01T00:00:09.000000Z","stageTimestamp":"2026-01-01T00:00:20.000000Z"}
{"user":{"username":"system:serviceaccount:furl-system:furl"},"verb":"patch","requestURI":"/x","obje`

func TestRequests_tell_writes_from_reads_and_from_the_rest(t *testing.T) {
	from := time.Date(2026, 1, 1, 0, 0, 10, 0, time.UTC)
	b := Bench{Audit: filepath.Join(t.TempDir(), "audit.log")}
	if err := os.WriteFile(b.Audit, []byte(auditLog), 0o600); err != nil {
		t.Fatal(err)
	}
	all, err := b.requests(from, from.Add(10*time.Second))
	if err != nil {
		t.Fatal(err)
	}
	for what, c := range map[string]struct {
		got  Requests
		want string
	}{
		"writes": {all.Writes(), "3 (1 patch scaledobjects/status, 2 update deployments/scale)"},
		"reads":  {all.Reads(), "1 (1 get /apis)"},
		"others": {all.Others(), "3 (1 create subjectaccessreviews, 1 update leases, 1 watch pods)"},
		"none":   {Requests{}, "0"},
	} {
		if got := c.got.String(); got != c.want {
			t.Errorf("%s: %s, want %s", what, got, c.want)
		}
	}
	writes, err := b.scaleWrites()
	if diff := cmp.Diff(map[string][]scaleWrite{"web": {{from.Add(-time.Second), false, ""}, {from.Add(-time.Second), true, "deployment-controller"}}}, writes, cmp.AllowUnexported(scaleWrite{})); err != nil || diff != "" {
		t.Errorf("writes of sizes: %v: %s", err, diff)
	}
	if err := read(strings.NewReader("{}\nnonsense"), func(*auditEvent) {}); err == nil {
		t.Error("a line that is no event gives no error")
	}
}

func TestParse_sums_and_counts_series(t *testing.T) {
	got, err := parse(strings.NewReader("# HELP a b\na{x=\"1 2\"} 1\na{x=\"3\"} 2.5\nb 3e2\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := metrics{sum: map[string]float64{"a": 3.5, "b": 300}, series: map[string]int{"a": 2, "b": 1}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(metrics{})); diff != "" {
		t.Error(diff)
	}
	if _, err := parse(strings.NewReader("a b\n")); err == nil {
		t.Error("a value that is no number gives no error")
	}
}

func TestSource_knows_who_was_asked_for_and_when(t *testing.T) {
	s, err := NewSource(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = s.Close() }() // it has ended with the test either way
	ask := func(of string) string {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.URL+of, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = res.Body.Close() }() // read to its end
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body)
	}
	s.set("a", 7)
	s.forget(2)
	if got := ask("a"); got != `{"value":7}` {
		t.Errorf("a is %s", got)
	}
	if busy, all := s.allAsked(); s.told("a").IsZero() || busy.IsZero() || !all.IsZero() {
		t.Errorf("a was told at %s, all with work at %s, both at %s", s.told("a"), busy, all)
	}
	ask("b")
	ask("b")
	if _, all := s.allAsked(); all.IsZero() {
		t.Error("both were asked for, and that is not known")
	}
	s.set("a", 8)
	if !s.told("a").IsZero() {
		t.Error("a new value counts as told")
	}
	if idle, active := s.answers(); idle != 2 || active != 1 {
		t.Errorf("%d answers of zero and %d of more, want 2 and 1", idle, active)
	}
}

func TestPushes_say_what_is_and_then_what_comes(t *testing.T) {
	p, err := NewPushes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	c, err := grpc.NewClient(p.Address, grpc.WithTransportCredentials(insecure.NewCredentials()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }() // the test is over
	client, ref := externalscaler.NewExternalScalerClient(c), &externalscaler.ScaledObjectRef{Name: "web"}
	stream, err := client.StreamIsActive(t.Context(), ref)
	if err != nil {
		t.Fatal(err)
	}
	says := func() bool {
		m, err := stream.Recv()
		if err != nil {
			t.Fatal(err)
		}
		return m.Result
	}
	if says() {
		t.Error("there is work before any came")
	}
	err = await(t.Context(), 10*time.Second, time.Millisecond, "the stream", func() (bool, error) { return p.listens("web"), nil })
	if err != nil {
		t.Fatal(err)
	}
	p.push("web", 50)
	if !says() {
		t.Error("there is no work after some came")
	}
	m, err := client.GetMetrics(t.Context(), &externalscaler.GetMetricsRequest{ScaledObjectRef: ref, MetricName: "work"})
	if err != nil {
		t.Fatal(err)
	}
	if got := m.MetricValues[0].MetricValue; got != 50 {
		t.Errorf("%d is the work, want 50", got)
	}
	if p.sent("web").IsZero() {
		t.Error("when it was pushed is not known")
	}
}

func TestMedians_take_each_figure_by_itself(t *testing.T) {
	w := func(cpu float64, mib int64, writes int) Window {
		return Window{Span: time.Minute, CPU: cpu, RssAnon: mib << 20, Idle: 2, Active: 2, Requests: Requests{"create events": writes}}
	}
	want := "median of 3 windows: 2.00 CPU-s a minute, 72 MiB RssAnon, 0.0 writes a minute, reads an object and minute: 2.00 of the source (idle), 2.00 (active)"
	if got := Medians([]Window{w(1, 73, 0), w(3, 72, 0), w(2, 71, 9)}); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}
