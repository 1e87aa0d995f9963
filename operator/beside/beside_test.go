package beside

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/version"
)

// cluster takes what its gates let it, as an API server does.
type cluster struct {
	version         version.Info
	zero, tolerance bool
	refuses         error // any trial
	services        map[string]string
}

func (c *cluster) Version(context.Context) (*version.Info, error) {
	if c.version.Minor == "" {
		return nil, errors.New("no answer")
	}
	return &c.version, nil
}

func (c *cluster) Try(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	stored := h.DeepCopy()
	switch {
	case c.refuses != nil:
		return nil, c.refuses
	case h.Spec.MinReplicas != nil && *h.Spec.MinReplicas == 0 && !c.zero:
		return nil, apierrors.NewInvalid(schema.GroupKind{Group: "autoscaling", Kind: "HorizontalPodAutoscaler"}, h.Name, nil)
	case h.Spec.Behavior != nil && !c.tolerance:
		stored.Spec.Behavior.ScaleUp.Tolerance = nil
	}
	return stored, nil
}

func (c *cluster) ServedBy(_ context.Context, api string) (string, error) {
	return c.services[api], nil
}

// stepped is a clock by which a turn is made when a test asks for it.
type stepped struct{ made, next chan struct{} }

func (stepped) Now() time.Time { return time.Time{} }

func (s stepped) Wait(ctx context.Context, until time.Time) error {
	if until != s.Now().Add(lookAgain) {
		return fmt.Errorf("the next turn is at %s", until)
	}
	s.made <- struct{}{}
	select {
	case <-s.next:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func watch(c *cluster, out *bytes.Buffer, r prometheus.Registerer) *Watch {
	return &Watch{
		Ground: c, Clock: stepped{}, Metrics: r,
		Log:  slog.New(slog.NewTextHandler(out, nil)),
		APIs: []API{{Name: "v1beta1.metrics.k8s.io", Namespace: "furl-system", Otherwise: "it works beside it"}},
	}
}

func TestLook_asks_the_cluster_and_not_only_its_version(t *testing.T) {
	for _, tc := range []struct {
		why     string
		cluster cluster
		lacks   []Feature
	}{
		{"all is there", cluster{version: version.Info{Minor: "37"}, zero: true, tolerance: true}, nil},
		{"the newest, and somebody switched a gate off", cluster{version: version.Info{Minor: "37"}, tolerance: true}, []Feature{Zero}},
		{"an old one, and somebody switched a gate on", cluster{version: version.Info{Minor: "33+"}, tolerance: true}, []Feature{Zero}},
		{"a managed one without either", cluster{version: version.Info{Minor: "32+"}}, []Feature{Zero, Tolerance}},
		{
			"it may not be asked: what is usual for 1.36",
			cluster{version: version.Info{Minor: "36"}, refuses: apierrors.NewForbidden(schema.GroupResource{}, "x", nil)},
			[]Feature{Zero},
		},
		{
			"nor there: what is usual for one before the oldest, as for the oldest",
			cluster{version: version.Info{Minor: "20"}, refuses: errors.New("no answer")},
			[]Feature{Zero, Tolerance},
		},
	} {
		got, err := watch(&tc.cluster, new(bytes.Buffer), prometheus.NewRegistry()).look(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tc.lacks, got.Lacks); diff != "" {
			t.Errorf("%s: %s", tc.why, diff)
		}
	}
}

// TestWatch_says_once_what_is_new follows a cluster in which metrics-server
// comes and goes, and which is upgraded.
func TestWatch_says_once_what_is_new(t *testing.T) {
	c := &cluster{
		version: version.Info{Minor: "31", GitVersion: "v1.31.9"}, zero: true,
		services: map[string]string{"v1beta1.metrics.k8s.io": "kube-system/metrics-server"},
	}
	var out bytes.Buffer
	r := prometheus.NewRegistry()
	w, turns := watch(c, &out, r), stepped{make(chan struct{}), make(chan struct{})}
	w.Clock = turns
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	<-turns.made
	for _, want := range []string{
		`msg="this Kubernetes is older than Furl supports" kubernetes=v1.31.9 oldest=1.32`,
		`msg="this cluster lacks a feature" feature=hpa-tolerance`,
		`msg="somebody else serves an API of Furl" api=v1beta1.metrics.k8s.io service=kube-system/metrics-server so="it works beside it"`,
	} {
		if strings.Count(out.String(), want) != 1 {
			t.Errorf("it did not say once %q but\n%s", want, out.String())
		}
	}
	if err := testutil.GatherAndCompare(r, strings.NewReader(`# HELP furl_beside 1 for each API of Furl that another Service answers for.
# TYPE furl_beside gauge
furl_beside{api="v1beta1.metrics.k8s.io",service="kube-system/metrics-server"} 1
# HELP furl_cluster_supported Whether the version of the API server is one that this Furl supports.
# TYPE furl_cluster_supported gauge
furl_cluster_supported{version="v1.31.9"} 0
`), "furl_beside", "furl_cluster_supported"); err != nil {
		t.Error(err)
	}

	out.Reset()
	turns.next <- struct{}{}
	<-turns.made
	if out.Len() > 0 {
		t.Errorf("nothing is new, and it said\n%s", out.String())
	}

	c.version, c.tolerance = version.Info{Minor: "37", GitVersion: "v1.37.2"}, true
	c.services["v1beta1.metrics.k8s.io"] = "furl-system/furl"
	turns.next <- struct{}{}
	<-turns.made
	if got := out.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "is supported") || !strings.Contains(got, "nobody else's") {
		t.Errorf("after the upgrade it said\n%s", got)
	}
	if n := testutil.CollectAndCount(w.gauges.others); n != 0 {
		t.Errorf("%d APIs are shown as somebody else's", n)
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

func TestWatch_keeps_what_it_knows_when_the_cluster_does_not_answer(t *testing.T) {
	var out bytes.Buffer
	c := &cluster{version: version.Info{Minor: "37", GitVersion: "v1.37.2"}}
	w := watch(c, &out, prometheus.NewRegistry())
	w.gauges = newGauges(w.Metrics)
	found, err := w.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	w.tell(t.Context(), found)
	c.version = version.Info{}
	again, err := w.look(t.Context())
	if err == nil {
		t.Error("nobody answered, and that is no error")
	}
	if diff := cmp.Diff(found, again); diff != "" {
		t.Error(diff)
	}
}

var update = flag.Bool("update", false, "rewrite the table in docs/reference/support.md")

const (
	page  = "../../docs/reference/support.md"
	begin = "<!-- table of operator/beside: go test ./operator/beside -update -->\n"
	end   = "<!-- end -->\n"
)

// TestSupportPage_has_the_table_of_the_code holds docs/reference/support.md to it.
func TestSupportPage_has_the_table_of_the_code(t *testing.T) {
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(raw), begin)
	_, after, ends := strings.Cut(rest, end)
	if !ok || !ends {
		t.Fatalf("%s has no table between %q and %q", page, begin, end)
	}
	want := before + begin + table() + end + after
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(raw)); diff != "" {
		t.Errorf("run go test ./operator/beside -update: %s", diff)
	}
}

func table() string {
	var b strings.Builder
	b.WriteString("| Kubernetes | `minReplicas: 0` in an HPA | `tolerance` in an HPA's `behavior` |\n|---|---|---|\n")
	for _, r := range Releases() {
		fmt.Fprintf(&b, "| 1.%d |", r.Minor)
		for _, f := range Features() {
			has := "no"
			if r.Has(f) {
				has = "yes"
			}
			fmt.Fprintf(&b, " %s (%s) |", has, r.Stages[f])
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestReleases_are_those_from_the_oldest_to_the_newest(t *testing.T) {
	for i, r := range Releases() {
		if r.Minor != Oldest+i {
			t.Errorf("release %d is 1.%d", i, r.Minor)
		}
	}
	if n := len(Releases()); n != Newest-Oldest+1 {
		t.Errorf("%d releases", n)
	}
}
