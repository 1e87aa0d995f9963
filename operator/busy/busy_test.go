package busy_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/policy"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestRank_lets_idle_pods_go_first_and_the_busiest_last(t *testing.T) {
	h := newHerd(t)
	for _, n := range []string{"1", "0", "4", "0", "0.5", "2"} {
		h.holds(n)
	}
	h.expect("costs", 3, "p0=1", "p2=4", "p4=1", "p5=2")
	if diff := cmp.Diff([]string{"p1", "p3"}, h.shrink(4)); diff != "" {
		t.Errorf("the first to go (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"p0", "p4"}, h.shrink(2)); diff != "" {
		t.Errorf("the next to go (-want +got):\n%s", diff)
	}
}

func TestRank_writes_only_costs_that_must_change(t *testing.T) {
	h := newHerd(t)
	h.holds("2", ours(2)) // right already
	h.holds("0", ours(3)) // was busy when it was asked last
	h.holds("1", ours(4)) // has less in hand now
	h.holds("0")
	h.expect("costs", 2, "p1=0", "p2=1")
	h.expect("costs when all is right", 2)
}

func TestRank_leaves_the_costs_of_others_alone(t *testing.T) {
	h := newHerd(t)
	h.holds("5", theirs(-10))
	h.holds("0", theirs(7))
	h.holds("1")
	h.holds("0")
	h.expect("costs", 2, "p2=1")
	if h.asked != 2 {
		t.Errorf("%d pods were asked, want the 2 whose cost Furl may set", h.asked)
	}
}

func TestRank_counts_pods_that_do_not_answer_as_the_busiest(t *testing.T) {
	hour := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	for _, tc := range []struct {
		why  string
		page http.HandlerFunc
		want string // in the error
	}{
		{"an error", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, "answer 500, want 200"},
		{"a redirect, which would lead elsewhere", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "http://169.254.169.254/", http.StatusFound)
		}, "answer 302, want 200"},
		{"another metric", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("other 1\n")) }, "the page has no metric in_flight"},
		{"garbage", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>")) }, "not in Prometheus' text format"},
		{"not a number", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("in_flight NaN")) }, "in_flight is not a number"},
		{"a histogram", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("# TYPE in_flight histogram\nin_flight_count 1\nin_flight_sum 1\n"))
		}, "in_flight is not a number"},
		{"a page without an end", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte(strings.Repeat("in_flight 1\n", 100_000)))
		}, "longer than 1048576 bytes"},
		{"nothing at all", hour, "context deadline exceeded"},
	} {
		t.Run(tc.why, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHerd(t)
				h.holds("0")
				h.holds("3")
				h.serves(tc.page)
				from := time.Now()
				writes, err := h.rank(1)
				if diff := cmp.Diff([]string{"p1=3", "p2=3"}, writes); diff != "" {
					t.Errorf("costs (-want +got):\n%s", diff)
				}
				want := "idle pods first, Deployment/ns/web: 1 of 3 pods did not tell what they have in hand and count as busy: pod p2: get http://10.0.0.2:9090/metrics: "
				if err == nil || !strings.HasPrefix(err.Error(), want) || !strings.Contains(err.Error(), tc.want) {
					t.Errorf("error %v, want %q and %q", err, want, tc.want)
				}
				if took := time.Since(from); took > time.Second {
					t.Errorf("it took %v, want a second at the most", took)
				}
			})
		})
	}
}

func TestRank_makes_no_order_where_nobody_answers(t *testing.T) {
	h := newHerd(t)
	for range 4 {
		h.serves(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusNotFound) })
	}
	writes, err := h.rank(2)
	if len(writes) != 0 || err == nil || !strings.Contains(err.Error(), "4 of 4 pods") {
		t.Errorf("wrote %v, error %v; want no cost and that 4 of 4 pods did not tell", writes, err)
	}
}

func TestRank_adds_up_the_series_of_a_metric(t *testing.T) {
	h := newHerd(t)
	h.serves(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("in_flight{slot=\"a}\"} 2\nin_flight{slot=\"b\"} 1.5\n"))
	})
	h.holds("1e300")
	h.holds("-1")
	h.expect("costs", 1, "p0=4", "p1=2147483647")
}

func TestRank_reads_conditions(t *testing.T) {
	h := newHerd(t)
	for _, c := range []corev1.ConditionStatus{corev1.ConditionFalse, corev1.ConditionTrue, corev1.ConditionUnknown} {
		h.holds("0", annotated("condition/Busy"), conditioned("Busy", c))
	}
	h.holds("0", annotated("condition/Busy"))
	writes, err := h.rank(1)
	if diff := cmp.Diff([]string{"p1=1", "p2=1", "p3=1"}, writes); diff != "" {
		t.Errorf("costs (-want +got):\n%s", diff)
	}
	if want := "2 of 4 pods did not tell what they have in hand and count as busy: pod p2: its condition Busy is Unknown"; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	if h.asked != 0 {
		t.Errorf("%d requests, want none", h.asked)
	}
}

func TestRank_goes_by_the_object_before_the_pods(t *testing.T) {
	h := newHerd(t)
	h.holds("1", annotated("nonsense"))
	h.holds("0", annotated("nonsense"))
	of := func(s *busy.Shrink) { s.Busy = policy.Busy{Port: 9090, Path: "/metrics", Metric: "in_flight"} }
	if writes, err := h.rank(1, of); err != nil || !cmp.Equal(writes, []string{"p0=1"}) {
		t.Errorf("wrote %v, error %v; want p0=1", writes, err)
	}
	_, err := h.rank(1)
	if want := `pod p0: annotation furl.dev/busy "nonsense" must begin with http:// or condition/`; err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
}

// TestRank_while_the_annotation_is_rolled_out: the pods of the old template say nothing yet.
func TestRank_while_the_annotation_is_rolled_out(t *testing.T) {
	h := newHerd(t)
	h.holds("0")
	h.holds("0", func(p *corev1.Pod) { p.Annotations = map[string]string{} })
	writes, err := h.rank(1)
	if want := "pod p1: it has no annotation furl.dev/busy, as others have"; !cmp.Equal(writes, []string{"p1=1"}) || err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("wrote %v, error %v; want p1=1 and %q", writes, err, want)
	}
}

func TestRank_leaves_alone_what_goes_anyway_or_by_other_rules(t *testing.T) {
	now := metav1.Now()
	for why, change := range map[string]func(*corev1.Pod){
		"a pod that is being deleted": func(p *corev1.Pod) { p.DeletionTimestamp = &now },
		"a pod that has not started":  func(p *corev1.Pod) { p.Status.Phase = corev1.PodPending },
		"a pod that has ended":        func(p *corev1.Pod) { p.Status.Phase = corev1.PodSucceeded },
		"a pod of a StatefulSet":      func(p *corev1.Pod) { p.OwnerReferences[0].Kind = "StatefulSet" },
		"a pod of nobody":             func(p *corev1.Pod) { p.OwnerReferences = nil },
		"a pod of another workload":   func(p *corev1.Pod) { p.Labels["app"] = "other" },
		"a pod of another namespace":  func(p *corev1.Pod) { p.Namespace = "other" },
	} {
		h := newHerd(t)
		h.holds("0")
		h.holds("0")
		h.holds("9", change)
		writes, err := h.rank(1)
		if len(writes) != 0 || err != nil || h.asked != 2 {
			t.Errorf("%s: wrote %v after asking %d pods, error %v; want nothing after 2", why, writes, h.asked, err)
		}
	}
}

func TestRank_asks_nobody_unless_a_workload_that_tells_shrinks(t *testing.T) {
	for _, tc := range []struct {
		why    string
		to     int32
		change func(*corev1.Pod)
		shrink func(*busy.Shrink)
	}{
		{"growth", 4, nil, nil},
		{"no change", 3, nil, nil},
		{"all go", 0, nil, nil},
		{"pods that tell nothing", 1, func(p *corev1.Pod) { p.Annotations = nil }, nil},
		{"pods of others tell", 1, func(p *corev1.Pod) { p.Labels = nil }, nil},
		{"a workload that selects nothing", 1, nil, func(s *busy.Shrink) { s.Scale.Selector = "" }},
		{"a selector that is none", 1, nil, func(s *busy.Shrink) { s.Scale.Selector = "=" }},
	} {
		h := newHerd(t)
		nothing, same := func(*corev1.Pod) {}, func(*busy.Shrink) {}
		if tc.change != nil {
			nothing = tc.change
		}
		if tc.shrink != nil {
			same = tc.shrink
		}
		for range 3 {
			h.holds("1", nothing)
		}
		if writes, err := h.rank(tc.to, same); len(writes)+h.lists+h.asked != 0 || err != nil {
			t.Errorf("%s: %d lists, %d questions, wrote %v, error %v; want nothing", tc.why, h.lists, h.asked, writes, err)
		}
	}
}

func TestRank_says_what_it_could_not_do(t *testing.T) {
	h, refused := newHerd(t), errors.New("pods is forbidden")
	h.holds("1")
	h.holds("0")
	h.denied = refused
	_, err := h.rank(1)
	if want := "1 of 1 costs were not written, these pods may go though they are busy: pods is forbidden"; !errors.Is(err, refused) || !strings.Contains(err.Error(), want) {
		t.Errorf("error %v, want %q", err, want)
	}
	h.broken = refused
	_, err = h.rank(1)
	if want := "busy pods of Deployment/ns/web are not known, any may go: pods is forbidden"; !errors.Is(err, refused) || err.Error() != want {
		t.Errorf("error %v, want %q", err, want)
	}
}

// TestRank_of_thousands_stays_within_its_bounds: 2,000 pods, of which each tenth hangs.
func TestRank_of_thousands_stays_within_its_bounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newHerd(t)
		for i := range 2000 {
			address := func(p *corev1.Pod) { p.Status.PodIP = fmt.Sprintf("10.0.%d.%d", i/250, i%250) }
			if i%10 == 0 {
				h.serves(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, address)
				continue
			}
			h.holds(fmt.Sprint(i%2), address)
		}
		from := time.Now()
		writes, err := h.rank(100)
		if took := time.Since(from); took > 2*time.Second {
			t.Errorf("it took %v, want 2s at the most", took)
		}
		if len(writes) != 500 {
			t.Errorf("%d costs were written, want the 500 that one shrink may", len(writes))
		}
		if err == nil || !strings.Contains(err.Error(), "more than the 500 that are written for one shrink") {
			t.Errorf("error %v, want that there were more", err)
		}
	})
}

// expect ranks the herd without an error and compares the costs that were written.
func (h *herd) expect(what string, to int32, want ...string) {
	h.t.Helper()
	writes, err := h.rank(to)
	if err != nil {
		h.t.Errorf("%s: %v", what, err)
	}
	if diff := cmp.Diff(want, writes); diff != "" {
		h.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}
