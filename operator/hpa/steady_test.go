package hpa_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/busy"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// begin is the first instant of every test.
var begin = time.Date(2026, 11, 23, 9, 0, 0, 123456789, time.UTC)

// cluster is a small cluster in memory: workloads with pods that all use the
// same CPU, and HPAs for them. It implements the ports of package hpa.
type cluster struct {
	mu       sync.Mutex // orders what a test reads before the turns that follow
	now      time.Time
	live     bool // the clock is the real one, or that of a synctest bubble
	pods     *kube.Pods
	sizes    map[string]*autoscalingv1.Scale
	cpu      int64         // millicores each pod uses
	refuse   error         // what Update of a scale answers
	lost     error         // what Get of a scale answers
	unread   error         // what Measures answers
	unstored error         // what WriteStatus answers
	slow     time.Duration // how long it takes

	closed   string // why no size may be written
	unranked error  // what Rank answers
	ranked   []busy.Shrink

	outside  outside
	scaled   []int32
	statuses []autoscalingv2.HorizontalPodAutoscalerStatus
	events   []string
	asked    int // GET of /scale
	measured int
	version  int
	registry *prometheus.Registry
	book     *record.Book
}

func newCluster() *cluster {
	return &cluster{
		now: begin, pods: kube.NewPods(nil), sizes: make(map[string]*autoscalingv1.Scale), cpu: 100, version: 1,
		registry: prometheus.NewRegistry(), book: record.NewBook(record.DefaultBudget),
	}
}

func (c *cluster) ports() *hpa.Ports {
	return &hpa.Ports{
		Scales: kube.NewScales(nil, c, c, c.clock), Pods: c.pods,
		Resources: c, External: &c.outside, Status: c, Events: c, Records: c.book, Idle: c,
		Closed: func(string) string { return c.closed },
	}
}

func (c *cluster) settings() *hpa.Settings {
	return &hpa.Settings{Defaults: policy.UpstreamDefaults(), Clock: c.clock, Meter: hpa.NewMeter(c.registry)}
}

func (c *cluster) clock() time.Time {
	if c.live {
		return time.Now()
	}
	return c.now
}

// run gives a workload n ready pods that request 200m each.
func (c *cluster) run(name string, n int) {
	c.sizes[name] = &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name},
		Spec:       autoscalingv1.ScaleSpec{Replicas: int32(n)},
		Status:     autoscalingv1.ScaleStatus{Replicas: int32(n), Selector: "app=" + name},
	}
	for i := range n {
		c.pods.Put(podOf(name, i, c.clock().Add(-time.Hour)))
	}
}

func podOf(app string, i int, started time.Time) *corev1.Pod {
	since := metav1.NewTime(started)
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: fmt.Sprintf("%s-%d", app, i), Labels: map[string]string{"app": app}},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Name:      "c",
			Resources: corev1.ResourceRequirements{Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("200m")}},
		}}},
		Status: corev1.PodStatus{
			Phase: corev1.PodRunning, StartTime: &since,
			Conditions: []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: since}},
		},
	}
}

// autoscaler is an HPA for 50 % CPU between 1 and 10 pods, with the API server's defaults.
func autoscaler(name string) *autoscalingv2.HorizontalPodAutoscaler {
	return &autoscalingv2.HorizontalPodAutoscaler{
		ObjectMeta: metav1.ObjectMeta{Namespace: "default", Name: name, Generation: 1, ResourceVersion: "1", UID: "u"},
		Spec: autoscalingv2.HorizontalPodAutoscalerSpec{
			ScaleTargetRef: autoscalingv2.CrossVersionObjectReference{APIVersion: "apps/v1", Kind: "Deployment", Name: name},
			MinReplicas:    new(int32(1)), MaxReplicas: 10,
			Metrics: []autoscalingv2.MetricSpec{{
				Type: autoscalingv2.ResourceMetricSourceType,
				Resource: &autoscalingv2.ResourceMetricSource{
					Name:   corev1.ResourceCPU,
					Target: autoscalingv2.MetricTarget{Type: autoscalingv2.UtilizationMetricType, AverageUtilization: new(int32(50))},
				},
			}},
		},
	}
}

// Size implements kube.Sizes.
func (c *cluster) Size(t kube.Target) (kube.Scale, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s := c.sizes[t.Name]
	if s == nil || c.lost != nil {
		return kube.Scale{}, false
	}
	out := kube.Scale{Target: t, Selector: s.Status.Selector, Resource: schema.GroupResource{Group: "apps", Resource: "deployments"}}
	out.Replicas.Spec, out.Replicas.Status = s.Spec.Replicas, s.Status.Replicas
	return out, true
}

// Wrote implements kube.Sizes.
func (c *cluster) Wrote(s kube.Scale) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.sizes[s.Target.Name].Spec.Replicas = s.Replicas.Spec
}

// Get implements kube.Endpoint.
func (c *cluster) Get(_ context.Context, _ schema.GroupResource, _, name string) (*autoscalingv1.Scale, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asked++
	return c.sizes[name], c.lost
}

// Update implements kube.Endpoint.
func (c *cluster) Update(_ context.Context, _ schema.GroupResource, s *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.refuse != nil {
		return nil, c.refuse
	}
	c.scaled = append(c.scaled, s.Spec.Replicas)
	return s, nil
}

// Measures implements hpa.Resources.
func (c *cluster) Measures(_ context.Context, _ hpa.ResourceQuery, pods []*kube.Pod, dst []hpa.Measure) ([]hpa.Measure, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.measured++
	for _, p := range pods {
		dst = append(dst, hpa.Measure{Pod: p.Name, Value: c.cpu, At: c.clock().Add(-time.Second), Window: 10 * time.Second})
	}
	return dst, c.unread
}

// WriteStatus implements hpa.StatusWriter.
func (c *cluster) WriteStatus(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	if c.slow > 0 {
		time.Sleep(c.slow) // virtual time
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.unstored != nil {
		return nil, c.unstored
	}
	c.statuses = append(c.statuses, h.Status)
	stored := h.DeepCopy()
	for i := range stored.Status.Conditions { // JSON keeps whole seconds
		at := &stored.Status.Conditions[i].LastTransitionTime
		*at = at.Rfc3339Copy()
	}
	if at := stored.Status.LastScaleTime; at != nil {
		*at = at.Rfc3339Copy()
	}
	c.version++
	stored.ResourceVersion = strconv.Itoa(c.version)
	return stored, nil
}

// Event implements hpa.Events.
func (c *cluster) Event(_ *autoscalingv2.HorizontalPodAutoscaler, kind, reason, message string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.events = append(c.events, kind+" "+reason+": "+message)
}

// BenchmarkSteady is one round of 1,000 HPAs with 2 pods each, where nothing
// changes: the cost of a quiet cluster.
func BenchmarkSteady(b *testing.B) {
	const n = 1000
	c := newCluster()
	ports, settings := c.ports(), c.settings()
	hpas := make([]*autoscalingv2.HorizontalPodAutoscaler, n)
	all := make([]*hpa.Autoscaler, n)
	for i := range n {
		name := fmt.Sprintf("web-%d", i)
		c.run(name, 2)
		hpas[i] = autoscaler(name)
		all[i] = hpa.New(hpas[i], ports, settings)
	}
	round := func() {
		c.now = c.now.Add(10 * time.Second)
		for i, a := range all {
			if _, err := a.Sync(b.Context(), hpas[i], c.now, time.Time{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	round()
	writes := len(c.statuses)
	b.ReportAllocs()
	for b.Loop() {
		round()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/n, "us/hpa")
	if got := len(c.statuses) - writes; got != 0 {
		b.Errorf("%d status writes in a quiet cluster, want none", got)
	}
}
