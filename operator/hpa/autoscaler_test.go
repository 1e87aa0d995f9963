package hpa_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/record"
	"github.com/google/go-cmp/cmp"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// play is one HPA in a small cluster, synced step by step.
type play struct {
	*cluster
	t      *testing.T
	h      *autoscalingv2.HorizontalPodAutoscaler
	scaler *hpa.Autoscaler
	next   time.Time
	err    error
}

// perform begins with n pods of a workload, and an HPA that edit may change.
func perform(t *testing.T, n int, edit func(*autoscalingv2.HorizontalPodAutoscaler)) *play {
	p := &play{cluster: newCluster(), t: t, h: autoscaler("web")}
	p.run("web", n)
	if edit != nil {
		edit(p.h)
	}
	p.scaler = hpa.New(p.h, p.ports(), p.settings())
	return p
}

// sync lets time pass and syncs.
func (p *play) sync(after time.Duration) {
	p.now = p.now.Add(after)
	p.next, p.err = p.scaler.Sync(p.t.Context(), p.h, p.now, time.Time{})
}

func (p *play) status() autoscalingv2.HorizontalPodAutoscalerStatus {
	p.t.Helper()
	if len(p.statuses) == 0 {
		p.t.Fatal("no status was written")
	}
	return p.statuses[len(p.statuses)-1]
}

// reasons is the status' conditions as type=status/reason.
func (p *play) reasons() (out []string) {
	p.t.Helper()
	st := p.status()
	for _, c := range st.Conditions {
		out = append(out, string(c.Type)+"="+string(c.Status)+"/"+c.Reason)
	}
	return out
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestAutoscaler_scales_up_and_says_so(t *testing.T) {
	p := perform(t, 2, nil)
	p.cpu = 300 // 150 % of the requests, three times the target
	p.sync(0)
	same(t, "error", p.err, nil)
	same(t, "sizes written", p.scaled, []int32{4}) // 6 wanted, upstream's limit without behavior is 4
	same(t, "conditions", p.reasons(), []string{
		"AbleToScale=True/SucceededRescale", "ScalingActive=True/ValidMetricFound",
		"ScalingLimited=True/ScaleUpLimit", "ScaledToZero=False/NotScaledToZero",
	})
	same(t, "events", p.events, []string{
		"Normal SuccessfulRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target",
	})
	st := p.status()
	same(t, "sizes", []int32{st.CurrentReplicas, st.DesiredReplicas}, []int32{2, 4}) // the size before, as upstream
	same(t, "utilization", *st.CurrentMetrics[0].Resource.Current.AverageUtilization, 150)
	if !st.LastScaleTime.Time.Equal(p.now.Truncate(time.Second)) || *st.ObservedGeneration != 1 {
		t.Errorf("last scale %v, generation %d; want %v, 1", st.LastScaleTime, *st.ObservedGeneration, p.now)
	}
	r, ok := p.book.Latest(record.Workload{Namespace: "default", Kind: "hpa", Name: "web"})
	if !ok || r.Decision.To != 4 {
		t.Errorf("record %v of a decision for %d, want one for 4", ok, r.Decision.To)
	}
}

func TestAutoscaler_writes_its_status_only_where_it_says_something(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	same(t, "writes at first", len(p.statuses), 1)

	p.sync(10 * time.Second)
	same(t, "writes while nothing changes", len(p.statuses), 1)

	p.cpu = 107 // 53 %, three points of fifty: more than a twentieth, less than a tenth
	p.sync(10 * time.Second)
	same(t, "writes after a small move", len(p.statuses), 1)
	p.sync(20 * time.Second)
	if want := begin.Add(time.Minute); !p.next.Equal(want) {
		t.Errorf("next turn at %v, want %v, when the small move is due", p.next.Sub(begin), want.Sub(begin))
	}
	p.sync(20 * time.Second)
	same(t, "writes a minute later", len(p.statuses), 2)

	p.cpu = 90 // 45 %, eight points below: more than a tenth
	p.sync(time.Second)
	same(t, "writes within 15 s of a large move", len(p.statuses), 2)
	p.sync(14 * time.Second)
	same(t, "writes 15 s after the last", len(p.statuses), 3)
	same(t, "utilization", *p.status().CurrentMetrics[0].Resource.Current.AverageUtilization, 45)

	p.cpu = 300
	p.sync(time.Second)
	same(t, "writes at once on a new size", len(p.statuses), 4)
}

func TestAutoscaler_writes_nothing_while_nothing_changes(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	for range 30 {
		p.sync(10 * time.Second)
	}
	same(t, "writes in five quiet minutes", len(p.statuses), 1)
}

func TestAutoscaler_at_rest_writes_nothing_though_rates_flicker(t *testing.T) {
	p := perform(t, 2, nil)
	p.cpu = 100
	p.sync(0)
	for i := range 60 {
		p.cpu = int64(100 + i%2) // 50 % and, truncated, 50 %
		p.sync(15 * time.Second)
		if len(p.statuses) > 1 {
			t.Fatalf("the status was written %v after the first time", p.now.Sub(begin))
		}
	}
	p.cpu = 102 // 51 %
	p.sync(time.Second)
	same(t, "writes when the percentage is another", len(p.statuses), 2)
}

func TestAutoscaler_writes_noise_once_in_five_minutes(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	for i := range 41 {
		p.cpu = int64(98 + 4*(i%2)) // 49 % and 51 %
		p.sync(15 * time.Second)
	}
	same(t, "writes in a little over ten minutes", len(p.statuses), 3)
}

func TestAutoscaler_writes_every_change_with_a_cadence(t *testing.T) {
	p := perform(t, 2, func(h *autoscalingv2.HorizontalPodAutoscaler) {
		h.Annotations = map[string]string{api.AnnotationCadence: "15s"}
	})
	p.sync(0)
	for i := range 4 {
		p.cpu = int64(101 + i)
		p.sync(15 * time.Second)
		if want := p.now.Add(15 * time.Second); p.next.After(want) {
			t.Errorf("next turn %v later, want at most 15s", p.next.Sub(p.now))
		}
	}
	// 101 millicores are 50 % still, but the average differs.
	same(t, "writes", len(p.statuses), 5)
}

func TestAutoscaler_keeps_a_status_that_others_wrote_for_a_minute(t *testing.T) {
	first := perform(t, 2, nil)
	first.sync(0)
	// Another replica of Furl takes over with the status of the first.
	p := perform(t, 2, func(h *autoscalingv2.HorizontalPodAutoscaler) { h.Status = first.status() })
	p.cpu = 107
	p.sync(0)
	same(t, "writes on taking over", len(p.statuses), 0)
	p.sync(time.Minute)
	same(t, "writes a minute later", len(p.statuses), 1)
}

func TestAutoscaler_holds_and_explains_when_nothing_can_be_measured(t *testing.T) {
	p := perform(t, 3, nil)
	p.sync(0)
	p.unread = errors.New("no metrics returned from resource metrics API")
	p.sync(10 * time.Second)
	same(t, "sizes written", p.scaled, nil)
	const why = "failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API"
	events := []string{
		"Warning FailedGetResourceMetric: " + why,
		"Warning FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: " + why,
	}
	same(t, "events", p.events, events)
	same(t, "conditions", p.reasons(), []string{
		"AbleToScale=True/SucceededGetScale", "ScalingActive=False/FailedGetResourceMetric", "ScalingLimited=False/DesiredWithinRange",
	})
	same(t, "metrics", p.status().CurrentMetrics, []autoscalingv2.MetricStatus{{}})
	p.sync(10 * time.Second)
	same(t, "events 10 s later", p.events, events)
	p.sync(51 * time.Second)
	same(t, "events a minute later", len(p.events), 4)
}

func TestAutoscaler_takes_old_samples_for_missing(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	if want := begin.Add(29 * time.Second); !p.next.Equal(want) {
		t.Errorf("next turn after %v, want 29s, when the samples are 30 s old", p.next.Sub(begin))
	}
}

func TestAutoscaler_shows_that_the_size_cannot_be_read(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	p.lost = errors.New(`deployments.apps "web" not found`)
	p.h = p.h.DeepCopy()
	p.h.Spec.ScaleTargetRef.APIVersion = "a/b/c"
	p.h.Generation++
	p.sync(time.Second)
	if p.err == nil {
		t.Error("no error, so that nobody tries again")
	}
	same(t, "conditions", p.reasons()[:1], []string{"AbleToScale=False/FailedGetScale"})
	same(t, "events", p.events, []string{"Warning FailedGetScale: unexpected GroupVersion string: a/b/c"})
	same(t, "metrics stay", len(p.status().CurrentMetrics), 1)
}

func TestAutoscaler_shows_that_the_size_cannot_be_written(t *testing.T) {
	p := perform(t, 2, nil)
	p.cpu, p.refuse = 300, errors.New("admission said no")
	p.sync(0)
	same(t, "events", p.events, []string{
		"Warning FailedRescale: New size: 4; reason: cpu resource utilization (percentage of request) above target; error: admission said no",
	})
	same(t, "conditions", p.reasons()[:1], []string{"AbleToScale=False/FailedUpdateScale"})
	same(t, "resizes remembered", len(p.scaler.History().Resizes), 0)
}

func TestAutoscaler_tells_when_its_status_cannot_be_written(t *testing.T) {
	p := perform(t, 2, nil)
	p.unstored = errors.New("etcd is full")
	p.sync(0)
	if !errors.Is(p.err, p.unstored) {
		t.Errorf("error %v, want %v", p.err, p.unstored)
	}
	same(t, "events", p.events, []string{"Warning FailedUpdateStatus: etcd is full"})
	p.unstored = nil
	p.sync(time.Second)
	same(t, "writes when it works again", len(p.statuses), 1)
}

func TestAutoscaler_only_watches_in_observe_mode(t *testing.T) {
	p := perform(t, 2, func(h *autoscalingv2.HorizontalPodAutoscaler) {
		h.Annotations = map[string]string{api.AnnotationMode: api.ModeObserve}
	})
	p.cpu = 300
	p.sync(0)
	p.sync(10 * time.Second)
	same(t, "sizes written", p.scaled, nil)
	same(t, "status writes", len(p.statuses), 0)
	same(t, "events", p.events, []string{
		"Normal ObservedRescale: New size would be: 4; reason: cpu resource utilization (percentage of request) above target",
	})
	if r, ok := p.book.Latest(record.Workload{Namespace: "default", Kind: "hpa", Name: "web"}); !ok || r.Decision.To != 4 {
		t.Error("the decision was not recorded")
	}
}

func TestAutoscaler_refuses_pods_that_another_selects(t *testing.T) {
	p := perform(t, 2, nil)
	everything := labels.SelectorFromSet(labels.Set{"app": "web"})
	p.pods.Select(types.NamespacedName{Namespace: "default", Name: "rival"}, everything)
	p.cpu = 300
	p.sync(0)
	same(t, "sizes written", p.scaled, nil)
	same(t, "conditions", p.reasons(), []string{"AbleToScale=True/SucceededGetScale", "ScalingActive=False/AmbiguousSelector"})
	if len(p.events) != 2 || !strings.HasPrefix(p.events[0], "Warning AmbiguousSelector: pods by selector app=web are controlled by more than one HPA") {
		t.Errorf("events %v, want AmbiguousSelector and FailedComputeMetricsReplicas", p.events)
	}
	p.pods.Release(types.NamespacedName{Namespace: "default", Name: "rival"})
	p.sync(time.Second)
	same(t, "sizes written when the rival is gone", p.scaled, []int32{4})
}

func TestAutoscaler_follows_a_change_of_the_spec(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	h := p.h.DeepCopy()
	h.Generation, h.ResourceVersion, h.Spec.MinReplicas = 2, "9", new(int32(5))
	p.h = h
	p.sync(time.Second)
	same(t, "sizes written", p.scaled, []int32{5})
	same(t, "generation", *p.status().ObservedGeneration, 2)
	same(t, "metrics", p.status().CurrentMetrics, nil) // none were read, as upstream
}

func TestAutoscaler_never_forgets_what_others_wrote_into_the_object(t *testing.T) {
	p := perform(t, 2, func(h *autoscalingv2.HorizontalPodAutoscaler) {
		h.Labels, h.Annotations = map[string]string{"team": "a"}, map[string]string{"note": "x"}
		h.Finalizers = []string{"example.com/hold"}
	})
	seen := hpa.Cut(p.h.DeepCopy())
	same(t, "metadata", seen.Object.ObjectMeta, p.h.ObjectMeta)
}

func TestAutoscaler_may_wake_only_what_it_put_to_sleep(t *testing.T) {
	for _, slept := range []bool{true, false} {
		p := perform(t, 0, func(h *autoscalingv2.HorizontalPodAutoscaler) {
			if slept {
				h.Status.Conditions = []autoscalingv2.HorizontalPodAutoscalerCondition{{
					Type: autoscalingv2.ScaledToZero, Status: corev1.ConditionTrue,
				}}
			}
		})
		same(t, "asleep", p.scaler.History().Asleep, slept)
	}
}

func TestAutoscaler_gives_up_all_it_holds(t *testing.T) {
	p := perform(t, 2, nil)
	p.sync(0)
	p.scaler.Close()
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == "horizontal_pod_autoscaler_controller_desired_replicas" {
			t.Errorf("%d series of desired_replicas are left", len(f.Metric))
		}
	}
	owners := 0
	p.pods.Owners(types.NamespacedName{Namespace: "default", Name: "web-0"}, func(types.NamespacedName) { owners++ })
	same(t, "selections left", owners, 0)
	if _, ok := p.book.Latest(record.Workload{Namespace: "default", Kind: "hpa", Name: "web"}); ok {
		t.Error("records are left")
	}
}

func TestMeter_counts_under_upstreams_names(t *testing.T) {
	p := perform(t, 2, nil)
	p.cpu = 300
	p.sync(0)
	families, err := p.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range families {
		for _, m := range f.Metric {
			line := f.GetName()
			for _, l := range m.Label {
				line += " " + l.GetValue()
			}
			if m.Counter != nil && m.Counter.GetValue() == 1 {
				got = append(got, line)
			}
		}
	}
	slices.Sort(got)
	same(t, "counters at one", got, []string{
		"furl_decisions_total hpa scaled burst",
		"furl_status_writes_total hpa written",
		"horizontal_pod_autoscaler_controller_metric_computation_total scale_up none Resource",
		"horizontal_pod_autoscaler_controller_reconciliations_total scale_up none",
	})
}
