package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	customv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
)

const (
	customVersion   = "custom.metrics.k8s.io/v1beta2"
	externalVersion = "external.metrics.k8s.io/v1beta1"
)

// mood is how an adapter answers questions about metrics.
type mood int

const (
	well    mood = iota // with what it has
	failing             // with status 500
	hanging             // never, until its mood changes
)

// adapter serves custom.metrics.k8s.io and external.metrics.k8s.io, with one
// value for each metric, to the API server's aggregator.
type adapter struct {
	lab *labtest.Lab

	mu     sync.Mutex // guards all below
	mood   mood
	better chan struct{}  // closed when the mood changes
	values map[string]int // by metric
	asked  map[string]int // by metric, since the mood changed
	users  map[string]bool
}

// startAdapter serves on loopback and leads the aggregator there.
func startAdapter(t *testing.T, l *labtest.Lab, values map[string]int) *adapter {
	t.Helper()
	a := &adapter{lab: l, better: make(chan struct{}), values: values, asked: map[string]int{}, users: map[string]bool{}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /apis/"+customVersion, serveResources(customVersion, "pods/qps", "services/backlog", "namespaces/mail"))
	mux.HandleFunc("GET /apis/"+externalVersion, serveResources(externalVersion, "queue", "jobs"))
	mux.HandleFunc("GET /apis/"+customVersion+"/namespaces/{ns}/pods/{name}/{metric}", a.serve(a.ofPods))
	mux.HandleFunc("GET /apis/"+customVersion+"/namespaces/{ns}/services/{name}/{metric}", a.serve(ofObject("Service")))
	mux.HandleFunc("GET /apis/"+externalVersion+"/namespaces/{ns}/{metric}", a.serve(external))
	s := httptest.NewTLSServer(mux)
	t.Cleanup(func() { a.be(well); s.Close() })
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	l.Apply(fmt.Sprintf(adapterAPIs, u.Port()))
	labtest.Eventually(t, time.Minute, "the adapter's APIs to be available", func(ctx context.Context) error {
		for _, v := range []string{customVersion, externalVersion} {
			if _, err := l.TryKubectl(ctx, "get", "--raw", "/apis/"+v); err != nil {
				return err
			}
		}
		return nil
	})
	return a
}

// adapterAPIs leads both APIs to a port on loopback: an ExternalName Service
// may name it, endpoints may not.
const adapterAPIs = `
apiVersion: v1
kind: Service
metadata: {name: adapter}
spec: {type: ExternalName, externalName: 127.0.0.1}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta2.custom.metrics.k8s.io}
spec:
  group: custom.metrics.k8s.io
  version: v1beta2
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: adapter, namespace: default, port: %[1]s}
---
apiVersion: apiregistration.k8s.io/v1
kind: APIService
metadata: {name: v1beta1.external.metrics.k8s.io}
spec:
  group: external.metrics.k8s.io
  version: v1beta1
  groupPriorityMinimum: 100
  versionPriority: 100
  insecureSkipTLSVerify: true
  service: {name: adapter, namespace: default, port: %[1]s}
`

// be changes the mood; questions that hang are answered.
func (a *adapter) be(m mood) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.mood = m
	close(a.better)
	a.better = make(chan struct{})
	clear(a.asked)
}

func (a *adapter) set(values map[string]int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.values = values
}

// wasAsked waits until every metric was asked for so often since the mood changed.
func (a *adapter) wasAsked(t *testing.T, times int) {
	t.Helper()
	labtest.Eventually(t, 3*time.Minute, fmt.Sprintf("every metric to be asked for %d times", times), func(context.Context) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		for metric := range a.values {
			if a.asked[metric] < times {
				return fmt.Errorf("asked for %v", a.asked)
			}
		}
		return nil
	})
}

// serve answers for one metric as the mood is.
func (a *adapter) serve(answer func(r *http.Request, value int) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		value, known := a.values[r.PathValue("metric")]
		mood, better := a.mood, a.better
		a.asked[r.PathValue("metric")]++
		a.users[r.Header.Get("X-Remote-User")] = true
		a.mu.Unlock()
		switch {
		case !known:
			http.NotFound(w, r)
			return
		case mood == failing:
			http.Error(w, "the time series database is away", http.StatusInternalServerError)
			return
		case mood == hanging:
			select {
			case <-better:
			case <-r.Context().Done():
			}
		}
		v, err := answer(r, value)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		writeJSON(w, v)
	}
}

// ofPods has the same value for each pod that the API server knows.
func (a *adapter) ofPods(r *http.Request, value int) (any, error) {
	if r.PathValue("name") != "*" {
		return nil, errors.New("only all pods of a selector are served")
	}
	pods, err := a.lab.Client.CoreV1().Pods(r.PathValue("ns")).List(r.Context(), metav1.ListOptions{LabelSelector: r.URL.Query().Get("labelSelector")})
	if err != nil {
		return nil, err
	}
	list := &customv1beta2.MetricValueList{TypeMeta: metav1.TypeMeta{Kind: "MetricValueList", APIVersion: customVersion}}
	for i := range pods.Items {
		list.Items = append(list.Items, measured(r, "Pod", pods.Items[i].Name, value))
	}
	return list, nil
}

func ofObject(kind string) func(*http.Request, int) (any, error) {
	return func(r *http.Request, value int) (any, error) {
		return &customv1beta2.MetricValueList{
			TypeMeta: metav1.TypeMeta{Kind: "MetricValueList", APIVersion: customVersion},
			Items:    []customv1beta2.MetricValue{measured(r, kind, r.PathValue("name"), value)},
		}, nil
	}
}

func measured(r *http.Request, kind, name string, value int) customv1beta2.MetricValue {
	return customv1beta2.MetricValue{
		DescribedObject: corev1.ObjectReference{Kind: kind, Namespace: r.PathValue("ns"), Name: name, APIVersion: "v1"},
		Metric:          customv1beta2.MetricIdentifier{Name: r.PathValue("metric")},
		Timestamp:       metav1.Now(), Value: *resource.NewQuantity(int64(value), resource.DecimalSI),
	}
}

// external has the value in two series, which add up to it.
func external(r *http.Request, value int) (any, error) {
	list := &externalv1beta1.ExternalMetricValueList{TypeMeta: metav1.TypeMeta{Kind: "ExternalMetricValueList", APIVersion: externalVersion}}
	for _, part := range []int{value / 2, value - value/2} {
		list.Items = append(list.Items, externalv1beta1.ExternalMetricValue{
			MetricName: r.PathValue("metric"), Timestamp: metav1.Now(), Value: *resource.NewQuantity(int64(part), resource.DecimalSI),
		})
	}
	return list, nil
}

// serveResources answers discovery, whatever the mood: an adapter whose database is away is still there.
func serveResources(version string, names ...string) http.HandlerFunc {
	list := &metav1.APIResourceList{TypeMeta: metav1.TypeMeta{Kind: "APIResourceList", APIVersion: "v1"}, GroupVersion: version}
	for _, n := range names {
		list.APIResources = append(list.APIResources, metav1.APIResource{
			Name: n, Namespaced: !strings.HasPrefix(n, "namespaces/"), Kind: "MetricValueList", Verbs: metav1.Verbs{"get"},
		})
	}
	return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, list) }
}

func writeJSON(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // who asked has gone: nothing to do about it
}
