package e2e

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/scale"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
	resourceclient "k8s.io/metrics/pkg/client/clientset/versioned/typed/metrics/v1beta1"
)

// syncsEach is upstream's period here; by default it is 15 s.
const syncsEach = time.Second

// switchOnUpstream runs upstream's HPA controller, unmodified and under the
// name of kube-controller-manager, until the test ends or stop is called.
func switchOnUpstream(t *testing.T, l *labtest.Lab) (stop func()) {
	t.Helper()
	config := rest.CopyConfig(l.REST)
	config.UserAgent = "kube-controller-manager/test"
	client, err := kubernetes.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(client.Discovery()))
	scales, err := scale.NewForConfig(config, mapper, dynamic.LegacyAPIPathResolverFunc, scale.NewDiscoveryScaleKindResolver(client.Discovery()))
	if err != nil {
		t.Fatal(err)
	}
	resources, err := resourceclient.NewForConfig(config)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	informed := informers.NewSharedInformerFactory(client, 0)
	controller := podautoscaler.NewHorizontalController(ctx, client.CoreV1(), scales, client.AutoscalingV2(), mapper,
		metrics.NewRESTMetricsClient(resources, nil, nil), // no custom, no external metrics
		informed.Autoscaling().V2().HorizontalPodAutoscalers(), informed.Core().V1().Pods(),
		syncsEach, 5*time.Minute, 0.1, 5*time.Minute, 30*time.Second) // the defaults of kube-controller-manager
	informed.Start(ctx.Done())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		controller.Run(ctx, 1)
	}()
	stop = sync.OnceFunc(func() {
		cancel()
		<-ended
	})
	t.Cleanup(stop)
	return stop
}
