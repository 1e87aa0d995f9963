package metricsapi_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/operator/metricsapi"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/rest"
	"k8s.io/metrics/pkg/client/external_metrics"
)

// asked is what a client makes of s0-cron-UTC-0xxxx: names of resources have small letters.
const asked = "s0-cron-utc-0xxxx"

// oneObject tells of one metric of one ScaledObject.
type oneObject struct{}

func (oneObject) Value(object types.NamespacedName, metric string) (actuation.Value, error) {
	if (object != types.NamespacedName{Namespace: "shop", Name: "web"}) || metric != asked {
		return actuation.Value{}, errors.New("no matching metrics found for " + metric)
	}
	return actuation.Value{Milli: 2500, At: epoch()}, nil
}

func TestExternal_answers_an_HPA_controller_as_KEDAs_adapter_does(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	config, ended, err := start(ctx, metricsapi.External(oneObject{}))
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}()
	const discovery = `{"kind":"APIResourceList","apiVersion":"v1","groupVersion":"external.metrics.k8s.io/v1beta1",` +
		`"resources":[{"name":"externalmetrics","singularName":"","namespaced":true,"kind":"ExternalMetricValueList","verbs":["get"]}]}`
	if got := strings.TrimSpace(string(get(t, config, "/apis/external.metrics.k8s.io/v1beta1", "application/json"))); got != discovery {
		t.Errorf("discovery says\n%s\nwant\n%s", got, discovery)
	}
	aggregated := string(get(t, config, "/apis", "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"))
	if !strings.Contains(aggregated, `"resource":"externalmetrics"`) {
		t.Errorf("aggregated discovery says %s", aggregated)
	}
	for _, kind := range []string{"application/json", "application/vnd.kubernetes.protobuf"} {
		c := rest.CopyConfig(config)
		c.ContentType = kind
		askAs(t, external_metrics.NewForConfigOrDie(c).NamespacedMetrics("shop"))
	}
}

func askAs(t *testing.T, shop external_metrics.MetricsInterface) {
	t.Helper()
	object := func(name string) labels.Selector {
		return labels.SelectorFromSet(labels.Set{"scaledobject.keda.sh/name": name})
	}
	list, err := shop.List("s0-cron-UTC-0xxxx", object("web"))
	if err != nil || len(list.Items) != 1 {
		t.Fatalf("%v, %v, want one value", list, err)
	}
	if v := list.Items[0]; v.Value.String() != "2500m" || v.MetricName != asked || !v.Timestamp.Time.Equal(epoch()) {
		t.Errorf("told %+v", v)
	}
	if _, err := shop.List("s1-cron", object("web")); !apierrors.IsInternalError(err) || !strings.Contains(err.Error(), "no matching metrics found for s1-cron") {
		t.Errorf("a metric that is not measured: %v", err)
	}
	if _, err := shop.List("s0-cron-UTC-0xxxx", labels.Everything()); !apierrors.IsBadRequest(err) || !strings.Contains(err.Error(), "scaledObject name is not specified") {
		t.Errorf("a request that names no object: %v", err)
	}
}
