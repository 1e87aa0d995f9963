package hpa_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/hpa"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/clientset/versioned/fake"
)

// outside is external.metrics.k8s.io with one metric of two series.
type outside struct {
	asked  int
	series []int64
	err    error
}

func (o *outside) Values(_ context.Context, namespace, metric string, s labels.Selector) ([]int64, time.Time, error) {
	o.asked++
	if namespace != "default" || metric != "queue" || s.String() != "kind=jobs" {
		return nil, time.Time{}, errors.New("no such metric")
	}
	return o.series, time.Time{}, o.err
}

func queueHPA(h *autoscalingv2.HorizontalPodAutoscaler) {
	h.Spec.Metrics = []autoscalingv2.MetricSpec{{
		Type: autoscalingv2.ExternalMetricSourceType,
		External: &autoscalingv2.ExternalMetricSource{
			Metric: autoscalingv2.MetricIdentifier{Name: "queue", Selector: &metav1.LabelSelector{MatchLabels: map[string]string{"kind": "jobs"}}},
			Target: autoscalingv2.MetricTarget{Type: autoscalingv2.AverageValueMetricType, AverageValue: resource.NewQuantity(10, resource.DecimalSI)},
		},
	}}
}

func TestAutoscaler_asks_a_metrics_api_at_most_each_15_seconds(t *testing.T) {
	p := perform(t, 2, queueHPA)
	o := &p.outside
	o.series = []int64{15_000, 10_000} // 25 messages, 10 a pod
	p.sync(0)
	same(t, "sizes written", p.scaled, []int32{3})
	if want := begin.Add(15 * time.Second); !p.next.Equal(want) {
		t.Errorf("next turn after %v, want 15s", p.next.Sub(begin))
	}
	for range 14 { // pods come and go
		p.sync(time.Second)
	}
	same(t, "asked within 15 s", o.asked, 1)
	p.sync(time.Second)
	same(t, "asked after 15 s", o.asked, 2)
	o.err = errors.New("unable to fetch metrics from external metrics API: it is down")
	p.sync(15 * time.Second)
	last := p.events[len(p.events)-1]
	const want = "invalid metrics (1 invalid out of 1), first error is: failed to get queue external metric value: " +
		"failed to get queue external metric: unable to get external metric default/queue/" +
		"&LabelSelector{MatchLabels:map[string]string{kind: jobs,},MatchExpressions:[]LabelSelectorRequirement{},}: " +
		"unable to fetch metrics from external metrics API: it is down"
	same(t, "event", strings.TrimPrefix(last, "Warning FailedComputeMetricsReplicas: "), want)
}

func TestAPIs_read_pods_as_upstream_does(t *testing.T) {
	usage := func(name, cpu string) metricsv1beta1.ContainerMetrics {
		list := corev1.ResourceList{}
		if cpu != "" {
			list[corev1.ResourceCPU] = resource.MustParse(cpu)
		}
		return metricsv1beta1.ContainerMetrics{Name: name, Usage: list}
	}
	pod := func(name string, cs ...metricsv1beta1.ContainerMetrics) metricsv1beta1.PodMetrics {
		return metricsv1beta1.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Labels: map[string]string{"app": "web"}},
			Timestamp:  metav1.NewTime(begin), Window: metav1.Duration{Duration: 15 * time.Second}, Containers: cs,
		}
	}
	c := fake.NewSimpleClientset()
	list := &metricsv1beta1.PodMetricsList{Items: []metricsv1beta1.PodMetrics{
		pod("whole", usage("a", "100m"), usage("b", "50m")),
		pod("partial", usage("a", "100m"), usage("b", "")),
		pod("empty"),
	}}
	for i := range list.Items {
		if err := c.Tracker().Create(metricsv1beta1.SchemeGroupVersion.WithResource("pods"), &list.Items[i], "default"); err != nil {
			t.Fatal(err)
		}
	}
	apis := hpa.APIs{APIs: kube.NewMetricsAPIsOf(c.MetricsV1beta1(), nil, nil)}
	web := labels.SelectorFromSet(labels.Set{"app": "web"})
	measure := func(container string) map[string]int64 {
		t.Helper()
		ms, err := apis.Measures(t.Context(), hpa.ResourceQuery{
			Namespace: "default", Selector: web, Resource: corev1.ResourceCPU, Container: container,
		}, nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		out := map[string]int64{}
		for _, m := range ms {
			out[m.Pod] = m.Value
			if !m.At.Equal(begin) || m.Window != 15*time.Second || !m.Trusted {
				t.Errorf("%s measured at %v over %v", m.Pod, m.At, m.Window)
			}
		}
		return out
	}
	same(t, "all containers", measure(""), map[string]int64{"whole": 150})
	same(t, "container a", measure("a"), map[string]int64{"whole": 100, "partial": 100})
	same(t, "container b", measure("b"), map[string]int64{"whole": 50})

	_, err := apis.Measures(t.Context(), hpa.ResourceQuery{Namespace: "elsewhere", Selector: web, Resource: corev1.ResourceCPU}, nil, nil)
	if err == nil || err.Error() != "no metrics returned from resource metrics API" {
		t.Errorf("error %v, want that there are no metrics", err)
	}
}

// usages is the store of a scraper.
type usages map[string]string // pod: why it has no sample

func (u usages) PodUsage(_, name, _ string, _ bool) (int64, time.Time, time.Duration, string) {
	return 100, begin, 10 * time.Second, u[name]
}

func TestStoreResources_say_why_no_pod_is_measured(t *testing.T) {
	pods := []*kube.Pod{{Name: "a"}, {Name: "b"}}
	q := hpa.ResourceQuery{Resource: corev1.ResourceCPU}
	ms, err := hpa.StoreResources{Usage: usages{"b": "node n1 is silent"}}.Measures(t.Context(), q, pods, nil)
	if err != nil || len(ms) != 2 || ms[0].Missing != "" || ms[1].Missing != "node n1 is silent" {
		t.Errorf("measures %v, error %v; want a measured and b with its reason", ms, err)
	}
	_, err = hpa.StoreResources{Usage: usages{"a": "no second sample yet", "b": "x"}}.Measures(t.Context(), q, pods, nil)
	if want := "no metrics returned from resource metrics API: no second sample yet"; err == nil || err.Error() != want {
		t.Errorf("error %v, want %s", err, want)
	}
	q.Resource = corev1.ResourceEphemeralStorage
	if _, err = (hpa.StoreResources{Usage: usages{}}).Measures(t.Context(), q, pods, nil); err == nil {
		t.Error("no error for a resource that kubelets do not report")
	}
}
