package conformance

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/record"
	"github.com/prometheus/client_golang/prometheus"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// stage is a cluster of recorded answers around one HPA of the operator. It
// stands behind the operator's ports and notes what is done to it.
type stage struct {
	hpa      *autoscalingv2.HorizontalPodAutoscaler
	defaults policy.Defaults
	decide   loop.Decide
	pods     []podRecord
	rivals   []rival
	gets     []scaleGet
	updates  []scaleUpdate // what the server answers
	metrics  []metricsResponse
	history  *engine.History // nil: a new workload

	asked    int // of gets
	scaled   []scaleUpdate
	events   []event
	written  *autoscalingv2.HorizontalPodAutoscalerStatus
	record   *loop.Record
	registry *prometheus.Registry
	after    engine.History
	err      error
}

// rival is another HPA and what it selects.
type rival struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace"`
	Selector  string `json:"selector"`
}

// scaleGet is an answer to GET /scale.
type scaleGet struct {
	Error         *string `json:"error"`
	GroupResource string  `json:"group_resource"`
	Name          string  `json:"name"`
	Spec          int32   `json:"spec_replicas"`
	Status        int32   `json:"status_replicas"`
	Selector      string  `json:"status_selector"`
}

// scaleUpdate is a PUT /scale and its answer.
type scaleUpdate struct {
	GroupResource string  `json:"group_resource"`
	Spec          int32   `json:"spec_replicas"`
	Error         *string `json:"api_error"`
	Conflict      bool    `json:"api_error_is_conflict"`
}

type event struct {
	Type    string `json:"type"`
	Reason  string `json:"reason"`
	Message string `json:"message"`
}

// metricsResponse is an answer of a metrics API, decoded.
type metricsResponse struct {
	API       string               `json:"api"`
	Error     *string              `json:"error"`
	Namespace string               `json:"namespace"`
	Resource  string               `json:"resource"`
	Container string               `json:"container"`
	Metric    string               `json:"metric"`
	Selector  *string              `json:"metric_selector"`
	PodsBy    string               `json:"pod_selector"`
	Object    *objectReference     `json:"described_object"`
	Pods      map[string]podMetric `json:"pod_values"`
	Value     int64                `json:"value_milli"`
	Values    []int64              `json:"values_milli"`
	Timestamp instant              `json:"timestamp"`
}

type objectReference = autoscalingv2.CrossVersionObjectReference

type podMetric struct {
	Timestamp instant `json:"timestamp"`
	Value     int64   `json:"value_milli"`
	Window    int64   `json:"window_seconds"`
}

// sync lets the operator sync the HPA once.
func (s *stage) sync(ctx context.Context) {
	s.registry = prometheus.NewRegistry()
	pods := kube.NewPods(nil)
	for _, p := range s.pods {
		pods.Put(p.pod())
	}
	for _, r := range s.rivals {
		selector, err := labels.Parse(r.Selector)
		if err != nil || r.Selector == "" {
			continue // an HPA that was not synced selects nothing
		}
		pods.Select(types.NamespacedName{Namespace: r.Namespace, Name: r.Name}, selector)
	}
	ports := &hpa.Ports{
		Scales: kube.NewScales(s, s, nil, nil), Pods: pods,
		Resources: s, ResourcesPolled: true, Custom: s, External: s,
		Status: s, Events: s, Records: s,
	}
	a := hpa.New(s.hpa, ports, &hpa.Settings{
		Defaults: s.defaults, Decide: s.decide, EveryChange: true, Clock: start, Meter: hpa.NewMeter(s.registry),
	})
	if s.history != nil {
		h := *s.history
		h.Asleep = a.History().Asleep
		a.Restore(h)
	}
	_, s.err = a.Sync(ctx, s.hpa, start(), time.Time{})
	s.after = a.History()
}

// RESTMappings implements [kube.Mapper]: the resources that upstream tried.
func (s *stage) RESTMappings(gk schema.GroupKind, _ ...string) ([]*meta.RESTMapping, error) {
	var out []*meta.RESTMapping
	for _, g := range s.gets {
		r := schema.ParseGroupResource(g.GroupResource)
		out = append(out, &meta.RESTMapping{
			Resource:         r.WithVersion("v1"),
			GroupVersionKind: gk.WithVersion("v1"),
			Scope:            meta.RESTScopeNamespace,
		})
		if g.Error == nil {
			break
		}
	}
	if len(out) == 0 {
		return nil, &meta.NoKindMatchError{GroupKind: gk}
	}
	return out, nil
}

// Get implements [kube.Endpoint].
func (s *stage) Get(_ context.Context, r schema.GroupResource, namespace, name string) (*autoscalingv1.Scale, error) {
	if s.asked >= len(s.gets) {
		return nil, fmt.Errorf("GET /scale of %s %s/%s: upstream asked %d times only", r, namespace, name, len(s.gets))
	}
	g := s.gets[s.asked]
	s.asked++
	if g.Error != nil {
		return nil, errors.New(*g.Error)
	}
	return &autoscalingv1.Scale{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Spec:       autoscalingv1.ScaleSpec{Replicas: g.Spec},
		Status:     autoscalingv1.ScaleStatus{Replicas: g.Status, Selector: g.Selector},
	}, nil
}

// Update implements [kube.Endpoint].
func (s *stage) Update(_ context.Context, r schema.GroupResource, sc *autoscalingv1.Scale) (*autoscalingv1.Scale, error) {
	u := scaleUpdate{GroupResource: r.String(), Spec: sc.Spec.Replicas}
	var err error
	if n := len(s.scaled); n < len(s.updates) && s.updates[n].Error != nil {
		u.Error, u.Conflict = s.updates[n].Error, s.updates[n].Conflict
		err = errors.New(*u.Error)
		if u.Conflict {
			err = &apierrors.StatusError{ErrStatus: metav1.Status{Reason: metav1.StatusReasonConflict, Message: *u.Error}}
		}
	}
	s.scaled = append(s.scaled, u)
	return sc, err
}

// answer takes the next answer of an API, whose question must be the recorded one.
func (s *stage) answer(api string, asked func(*metricsResponse) string) (*metricsResponse, error) {
	i := slices.IndexFunc(s.metrics, func(m metricsResponse) bool { return m.API == api })
	if i < 0 {
		return nil, fmt.Errorf("%s metrics: upstream asked for less", api)
	}
	m := s.metrics[i]
	s.metrics = slices.Delete(slices.Clone(s.metrics), i, i+1)
	if why := asked(&m); why != "" {
		return nil, fmt.Errorf("%s metrics: upstream asked another question: %s", api, why)
	}
	if m.Error != nil {
		return nil, errors.New(*m.Error)
	}
	return &m, nil
}

// other says where two questions differ.
func other(what, want, got string) string {
	if want == got {
		return ""
	}
	return fmt.Sprintf("%s: want %q, got %q; ", what, want, got)
}

// series compares a metric's selector, where nothing and everything are written alike.
func (m *metricsResponse) series(namespace, metric string, by labels.Selector) string {
	want := ""
	if m.Selector != nil {
		want = *m.Selector
	}
	return other("namespace", m.Namespace, namespace) + other("metric", m.Metric, metric) +
		other("metric selector", want, by.String())
}

// Measures implements [hpa.Resources].
func (s *stage) Measures(_ context.Context, q hpa.ResourceQuery, _ []*kube.Pod, dst []hpa.Measure) ([]hpa.Measure, error) {
	m, err := s.answer("resource", func(m *metricsResponse) string {
		return other("namespace", m.Namespace, q.Namespace) + other("resource", m.Resource, string(q.Resource)) +
			other("container", m.Container, q.Container) + other("pod selector", m.PodsBy, q.Selector.String())
	})
	if err != nil {
		return dst, err
	}
	return m.measures(dst), nil
}

// PodMeasures implements [hpa.Custom].
func (s *stage) PodMeasures(_ context.Context, q hpa.PodsQuery, dst []hpa.Measure) ([]hpa.Measure, error) {
	m, err := s.answer("custom_pods", func(m *metricsResponse) string {
		return m.series(q.Namespace, q.Metric, q.Selector) + other("pod selector", m.PodsBy, q.Pods.String())
	})
	if err != nil {
		return dst, err
	}
	return m.measures(dst), nil
}

func (m *metricsResponse) measures(dst []hpa.Measure) []hpa.Measure {
	for _, name := range slices.Sorted(maps.Keys(m.Pods)) {
		v := m.Pods[name]
		dst = append(dst, hpa.Measure{
			Pod: name, Value: v.Value, At: v.Timestamp.Time,
			Window: time.Duration(v.Window) * time.Second, Trusted: true,
		})
	}
	return dst
}

// ObjectValue implements [hpa.Custom].
func (s *stage) ObjectValue(_ context.Context, q hpa.ObjectQuery) (int64, time.Time, error) {
	m, err := s.answer("custom_object", func(m *metricsResponse) string {
		o := m.Object
		if o == nil {
			return m.series(q.Namespace, q.Metric, q.Selector)
		}
		kind := schema.FromAPIVersionAndKind(o.APIVersion, o.Kind).GroupKind()
		return m.series(q.Namespace, q.Metric, q.Selector) +
			other("kind", kind.String(), q.Kind.String()) + other("name", o.Name, q.Name)
	})
	if err != nil {
		return 0, time.Time{}, err
	}
	return m.Value, m.Timestamp.Time, nil
}

// Values implements [hpa.External].
func (s *stage) Values(_ context.Context, namespace, metric string, by labels.Selector) ([]int64, time.Time, error) {
	m, err := s.answer("external", func(m *metricsResponse) string { return m.series(namespace, metric, by) })
	if err != nil {
		return nil, time.Time{}, err
	}
	return m.Values, m.Timestamp.Time, nil
}

// WriteStatus implements [hpa.StatusWriter].
func (s *stage) WriteStatus(_ context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	s.written = h.Status.DeepCopy()
	return h.DeepCopy(), nil
}

// Event implements [hpa.Events].
func (s *stage) Event(_ *autoscalingv2.HorizontalPodAutoscaler, kind, reason, message string) {
	s.events = append(s.events, event{kind, reason, message})
}

// Keep implements [hpa.Records].
func (s *stage) Keep(_ record.Workload, r loop.Record) { s.record = &r }

// Forget implements [hpa.Records].
func (s *stage) Forget(record.Workload) {}
