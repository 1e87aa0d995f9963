package kube

import (
	"context"
	"errors"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/rest"
	customv1beta2 "k8s.io/metrics/pkg/apis/custom_metrics/v1beta2"
	externalv1beta1 "k8s.io/metrics/pkg/apis/external_metrics/v1beta1"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
	resourceclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
	"k8s.io/metrics/pkg/client/custom_metrics"
	"k8s.io/metrics/pkg/client/external_metrics"
)

// MetricsAPIs read the three aggregated metrics APIs. Errors are worded as
// upstream's metrics client words them: users see them in conditions.
type MetricsAPIs struct {
	resource resourceclient.PodMetricsesGetter
	custom   custom_metrics.CustomMetricsClient
	external external_metrics.ExternalMetricsClient
	versions custom_metrics.AvailableAPIsGetter
}

// NewMetricsAPIs connects through the API server of c. Every call ends with
// the timeout of c; its clients take no context.
func NewMetricsAPIs(c *rest.Config, d discovery.DiscoveryInterface, m meta.RESTMapper) (*MetricsAPIs, error) {
	resource, err := resourceclient.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("client of metrics.k8s.io: %w", err)
	}
	external, err := external_metrics.NewForConfig(c)
	if err != nil {
		return nil, fmt.Errorf("client of external.metrics.k8s.io: %w", err)
	}
	versions := custom_metrics.NewAvailableAPIsGetter(d)
	return &MetricsAPIs{
		resource: resource,
		custom:   custom_metrics.NewForConfig(c, m, versions),
		external: external,
		versions: versions,
	}, nil
}

// NewMetricsAPIsOf reads through the given clients.
func NewMetricsAPIsOf(r resourceclient.PodMetricsesGetter, c custom_metrics.CustomMetricsClient, e external_metrics.ExternalMetricsClient) *MetricsAPIs {
	return &MetricsAPIs{resource: r, custom: c, external: e}
}

// Rediscover forgets which version of custom.metrics.k8s.io is served.
func (a *MetricsAPIs) Rediscover() {
	if a.versions != nil {
		a.versions.Invalidate()
	}
}

// Pods lists metrics.k8s.io.
func (a *MetricsAPIs) Pods(ctx context.Context, namespace string, s labels.Selector) ([]metricsv1beta1.PodMetrics, error) {
	list, err := a.resource.PodMetricses(namespace).List(ctx, metav1.ListOptions{LabelSelector: s.String()})
	if err != nil {
		return nil, fmt.Errorf("unable to fetch metrics from resource metrics API: %w", err)
	}
	if len(list.Items) == 0 {
		return nil, errors.New("no metrics returned from resource metrics API")
	}
	return list.Items, nil
}

// OfPods reads one custom metric of all pods of a selector.
func (a *MetricsAPIs) OfPods(namespace, metric string, pods, s labels.Selector) ([]customv1beta2.MetricValue, error) {
	list, err := a.custom.NamespacedMetrics(namespace).GetForObjects(schema.GroupKind{Kind: "Pod"}, pods, metric, s)
	if err != nil {
		return nil, fmt.Errorf("unable to fetch metrics from custom metrics API: %w", err)
	}
	if len(list.Items) == 0 {
		return nil, errors.New("no metrics returned from custom metrics API")
	}
	return list.Items, nil
}

// OfObject reads one custom metric of one object, in milli-units. A Namespace
// is always the given one, whatever the name.
func (a *MetricsAPIs) OfObject(namespace string, kind schema.GroupKind, name, metric string, s labels.Selector) (int64, time.Time, error) {
	api := a.custom.NamespacedMetrics(namespace)
	if kind == (schema.GroupKind{Kind: "Namespace"}) {
		api, name = a.custom.RootScopedMetrics(), namespace
	}
	v, err := api.GetForObject(kind, name, metric, s)
	if err != nil {
		return 0, time.Time{}, fmt.Errorf("unable to fetch metrics from custom metrics API: %w", err)
	}
	return v.Value.MilliValue(), v.Timestamp.Time, nil
}

// Series reads all series of one external metric.
func (a *MetricsAPIs) Series(namespace, metric string, s labels.Selector) ([]externalv1beta1.ExternalMetricValue, error) {
	list, err := a.external.NamespacedMetrics(namespace).List(metric, s)
	if err != nil {
		return nil, fmt.Errorf("unable to fetch metrics from external metrics API: %w", err)
	}
	if len(list.Items) == 0 {
		return nil, errors.New("no metrics returned from external metrics API")
	}
	return list.Items, nil
}
