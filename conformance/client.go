package conformance

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/hpa"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	customapi "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalapi "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsapi "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// clientCase is one case of upstream's tests of its metrics client: what an
// API says, and what must be read from it.
type clientCase struct {
	Namespace  string                `json:"namespace"`
	Resource   corev1.ResourceName   `json:"resource_name"`
	Container  string                `json:"container"`
	Selector   string                `json:"selector"`
	Metric     string                `json:"metric_name"`
	External   *metav1.LabelSelector `json:"metric_selector"`
	Object     *objectReference      `json:"single_object"`
	PodMetrics []map[string]int64    `json:"reported_pod_metrics"`
	Points     []struct {
		Level   int64 `json:"level"`
		Minutes int64 `json:"timestamp"`
	} `json:"reported_metric_points"`
	Minutes int64      `json:"target_timestamp"`
	Window  windowCase `json:"window"`

	WantError *string               `json:"desired_error"`
	Want      map[string]clientWant `json:"desired_metric_values"`
}

type windowCase struct {
	Seconds int64 `json:"seconds"`
}

type clientWant struct {
	Timestamp time.Time  `json:"timestamp"`
	Value     int64      `json:"value"`
	Window    windowCase `json:"window"`
}

// fixedTimestamp is where the cases count their minutes from.
func (c *clientCase) minute(n int64) time.Time {
	return time.Date(2015, time.November, 10, 12, 30, 0, 0, time.UTC).Add(time.Duration(n) * time.Minute)
}

// replayClient lets the operator's clients read a server that says what the
// case says, in the form of the real APIs.
func replayClient(ctx context.Context, r Record) ([]string, error) {
	c := new(clientCase)
	if err := same.Decode(r.Case, c); err != nil {
		return nil, fmt.Errorf("upstream_case: %w", err)
	}
	apis, err := c.connect()
	if err != nil {
		return nil, err
	}
	pods, err := labels.Parse(c.Selector)
	if err != nil {
		return nil, fmt.Errorf("selector: %w", err)
	}
	var got map[string]clientWant
	at := c.minute(c.Minutes)
	switch {
	case c.Resource != "":
		got, err = measured(apis.Measures(ctx, hpa.ResourceQuery{
			Namespace: c.Namespace, Selector: pods, Resource: c.Resource, Container: c.Container,
		}, nil, nil))
	case c.External != nil:
		got, at, err = c.external(ctx, apis)
	case c.Object == nil:
		got, err = measured(apis.PodMeasures(ctx, hpa.PodsQuery{
			Namespace: c.Namespace, Pods: pods, Metric: c.Metric, Selector: labels.Everything(),
		}, nil))
	default:
		got, at, err = c.object(ctx, apis)
	}
	if c.WantError != nil {
		if err == nil || !strings.Contains(err.Error(), *c.WantError) {
			return []string{fmt.Sprintf("error: want %q, got %v", *c.WantError, err)}, nil
		}
		return nil, nil
	}
	if err != nil {
		return []string{fmt.Sprintf("error: want none, got %v", err)}, nil
	}
	return append(same.Differences("metrics", c.Want, got), same.Differences("timestamp", c.minute(c.Minutes), at.UTC())...), nil
}

func measured(ms []hpa.Measure, err error) (map[string]clientWant, error) {
	got := map[string]clientWant{}
	for _, m := range ms {
		got[m.Pod] = clientWant{m.At.UTC(), m.Value, windowCase{int64(m.Window / time.Second)}}
	}
	return got, err
}

func (c *clientCase) external(ctx context.Context, apis hpa.APIs) (map[string]clientWant, time.Time, error) {
	by, err := metav1.LabelSelectorAsSelector(c.External)
	if err != nil {
		return nil, time.Time{}, err
	}
	values, at, err := apis.Values(ctx, c.Namespace, c.Metric, by)
	got := map[string]clientWant{}
	for i, v := range values {
		got[fmt.Sprintf("%s-val-%d", c.Metric, i)] = clientWant{Value: v}
	}
	return got, at, err
}

func (c *clientCase) object(ctx context.Context, apis hpa.APIs) (map[string]clientWant, time.Time, error) {
	value, at, err := apis.ObjectValue(ctx, hpa.ObjectQuery{
		Namespace: c.Namespace, Kind: schema.FromAPIVersionAndKind(c.Object.APIVersion, c.Object.Kind).GroupKind(),
		Name: c.Object.Name, Metric: c.Metric, Selector: labels.Everything(),
	})
	return map[string]clientWant{c.Object.Name: {Value: value}}, at, err
}

// connect makes the operator's clients talk to the case.
func (c *clientCase) connect() (hpa.APIs, error) {
	cfg := &rest.Config{Host: "http://recorded.invalid", Transport: server{c}}
	d, err := discovery.NewDiscoveryClientForConfig(cfg)
	if err != nil {
		return hpa.APIs{}, err
	}
	kinds := []schema.GroupVersionKind{corev1.SchemeGroupVersion.WithKind("Pod"), corev1.SchemeGroupVersion.WithKind("Namespace")}
	if o := c.Object; o != nil {
		kinds = append(kinds, schema.FromAPIVersionAndKind(o.APIVersion, o.Kind))
	}
	versions := make([]schema.GroupVersion, len(kinds))
	for i, k := range kinds {
		versions[i] = k.GroupVersion()
	}
	mapper := meta.NewDefaultRESTMapper(versions)
	for _, k := range kinds {
		scope := meta.RESTScopeNamespace
		if k.Kind == "Namespace" {
			scope = meta.RESTScopeRoot
		}
		mapper.Add(k, scope)
	}
	apis, err := kube.NewMetricsAPIs(cfg, d, mapper)
	return hpa.APIs{APIs: apis}, err
}

// server answers the requests of the three metrics APIs without a network.
type server struct{ c *clientCase }

// RoundTrip implements [http.RoundTripper].
func (s server) RoundTrip(r *http.Request) (*http.Response, error) {
	body, found := s.answer(r.URL)
	code := http.StatusOK
	if !found {
		code, body = http.StatusNotFound, metav1.Status{
			TypeMeta: metav1.TypeMeta{Kind: "Status", APIVersion: "v1"},
			Status:   metav1.StatusFailure, Reason: metav1.StatusReasonNotFound, Code: http.StatusNotFound,
			Message: "nothing is served at " + r.URL.Path,
		}
	}
	b, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: code, Header: http.Header{"Content-Type": {"application/json"}},
		Body: io.NopCloser(bytes.NewReader(b)), Request: r, ProtoMajor: 1, ProtoMinor: 1,
	}, nil
}

func (s server) answer(u *url.URL) (any, bool) {
	const custom = "/apis/custom.metrics.k8s.io/v1beta2"
	space := "/namespaces/" + s.c.Namespace
	switch u.Path {
	case "/api":
		return metav1.APIVersions{TypeMeta: metav1.TypeMeta{Kind: "APIVersions"}}, true
	case "/apis":
		version := metav1.GroupVersionForDiscovery{GroupVersion: "custom.metrics.k8s.io/v1beta2", Version: "v1beta2"}
		return metav1.APIGroupList{
			TypeMeta: metav1.TypeMeta{Kind: "APIGroupList", APIVersion: "v1"},
			Groups: []metav1.APIGroup{{
				Name: "custom.metrics.k8s.io", Versions: []metav1.GroupVersionForDiscovery{version}, PreferredVersion: version,
			}},
		}, true
	case "/apis/metrics.k8s.io/v1beta1" + space + "/pods":
		return s.podMetrics(), u.Query().Get("labelSelector") == s.c.Selector
	case "/apis/external.metrics.k8s.io/v1beta1" + space + "/" + s.c.Metric:
		return s.externalMetrics(), true
	case custom + space + "/pods/*/" + s.c.Metric:
		return s.customMetrics(), u.Query().Get("labelSelector") == s.c.Selector
	}
	if o := s.c.Object; o != nil && strings.HasPrefix(u.Path, custom+space+"/") && strings.HasSuffix(u.Path, "/"+o.Name+"/"+s.c.Metric) {
		return s.customMetrics(), true
	}
	return nil, false
}

func (s server) podMetrics() metricsapi.PodMetricsList {
	l := metricsapi.PodMetricsList{TypeMeta: metav1.TypeMeta{Kind: "PodMetricsList", APIVersion: "metrics.k8s.io/v1beta1"}}
	for i, containers := range s.c.PodMetrics {
		m := metricsapi.PodMetrics{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.c.Namespace, Name: podName(i)},
			Timestamp:  metav1.NewTime(s.c.minute(s.c.Minutes)),
			Window:     metav1.Duration{Duration: time.Duration(s.c.Window.Seconds) * time.Second},
		}
		for _, name := range slices.Sorted(maps.Keys(containers)) {
			m.Containers = append(m.Containers, metricsapi.ContainerMetrics{Name: name, Usage: corev1.ResourceList{
				corev1.ResourceCPU:    *milli(containers[name]),
				corev1.ResourceMemory: resource.MustParse("1Mi"),
			}})
		}
		l.Items = append(l.Items, m)
	}
	return l
}

func (s server) externalMetrics() externalapi.ExternalMetricValueList {
	l := externalapi.ExternalMetricValueList{TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: "external.metrics.k8s.io/v1beta1"}}
	for _, p := range s.c.Points {
		l.Items = append(l.Items, externalapi.ExternalMetricValue{
			MetricName: s.c.Metric, Value: *milli(p.Level), Timestamp: metav1.NewTime(s.c.minute(p.Minutes)),
		})
	}
	return l
}

func (s server) customMetrics() customapi.MetricValueList {
	l := customapi.MetricValueList{TypeMeta: metav1.TypeMeta{Kind: "MetricValueList", APIVersion: "custom.metrics.k8s.io/v1beta2"}}
	for i, p := range s.c.Points {
		about := corev1.ObjectReference{Kind: "Pod", APIVersion: "v1", Name: podName(i)}
		if o := s.c.Object; o != nil {
			about = corev1.ObjectReference{Kind: o.Kind, APIVersion: o.APIVersion, Name: o.Name}
		}
		l.Items = append(l.Items, customapi.MetricValue{
			DescribedObject: about, Metric: customapi.MetricIdentifier{Name: s.c.Metric},
			Value: *milli(p.Level), Timestamp: metav1.NewTime(s.c.minute(p.Minutes)),
		})
	}
	return l
}

// podName is how upstream's tests name the pods of a list.
func podName(i int) string { return fmt.Sprintf("test-pod-%d", i) }
