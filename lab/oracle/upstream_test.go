package oracle

import (
	"context"
	"fmt"
	"math"
	"reflect"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/furl-dev/furl/engine"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes/fake"
	scalefake "k8s.io/client-go/scale/fake"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/kubernetes/pkg/controller/podautoscaler"
	"k8s.io/kubernetes/pkg/controller/podautoscaler/metrics"
)

// stabilization lies between the lines of the grid.
const stabilization = 5 * time.Minute

// cluster is what upstream's controller sees of all cases, and what it does to them.
type cluster struct {
	cases map[string]*turn

	mu      sync.Mutex // guards outcome and done
	outcome map[string]outcome
	done    chan struct{} // one for each case whose status was written
	events  chan struct{} // one for each event about a new size
}

// reconcile lets upstream's controller reconcile every case once.
func reconcile(t *testing.T, cases map[string]*turn) map[string]outcome {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c := &cluster{
		cases: cases, outcome: map[string]outcome{},
		done: make(chan struct{}, len(cases)), events: make(chan struct{}, len(cases)),
	}
	client := c.client()
	factory := informers.NewSharedInformerFactory(client, 0)
	controller := podautoscaler.NewHorizontalController(ctx, client.CoreV1(), c.scales(), client.AutoscalingV2(), mapper(), c,
		factory.Autoscaling().V2().HorizontalPodAutoscalers(), factory.Core().V1().Pods(),
		time.Hour, stabilization, 0.1, cpuInitialization, initialReadiness)
	for ns, x := range cases {
		remind(controller, ns+"/"+x.hpa.Name, x)
	}
	factory.Start(ctx.Done())
	var running sync.WaitGroup
	running.Go(func() { controller.Run(ctx, 2) })
	await(t, c.done, len(cases), "status")
	c.mu.Lock()
	resized := 0
	for _, o := range c.outcome {
		if o.Wrote >= 0 {
			resized++
		}
	}
	c.mu.Unlock()
	await(t, c.events, resized, "event about a new size")
	cancel()
	running.Wait()
	factory.Shutdown()
	return c.outcome
}

func await(t *testing.T, c <-chan struct{}, n int, what string) {
	t.Helper()
	deadline := time.After(time.Minute)
	for i := range n {
		select {
		case <-c:
		case <-deadline:
			t.Fatalf("%d of %d cases had a %s within a minute", i, n, what)
		}
	}
}

func (c *cluster) client() *fake.Clientset {
	var objects []runtime.Object
	for _, x := range c.cases {
		objects = append(objects, x.hpa)
		for _, p := range x.upstream {
			objects = append(objects, p)
		}
	}
	client := fake.NewClientset(objects...)
	client.PrependReactor("update", "horizontalpodautoscalers", func(a clienttesting.Action) (bool, runtime.Object, error) {
		h := written[*autoscalingv2.HorizontalPodAutoscaler](a)
		c.note(h.Namespace, func(o *outcome) {
			o.Desired = h.Status.DesiredReplicas
			o.Conditions = map[autoscalingv2.HorizontalPodAutoscalerConditionType]string{}
			for _, x := range h.Status.Conditions {
				o.Conditions[x.Type] = words(x.Status, x.Reason, x.Message)
			}
		})
		c.done <- struct{}{}
		return true, h, nil
	})
	client.PrependReactor("create", "events", func(a clienttesting.Action) (bool, runtime.Object, error) {
		e := written[*corev1.Event](a)
		if e.Reason == "SuccessfulRescale" {
			c.note(e.Namespace, func(o *outcome) { o.Event = e.Message })
			c.events <- struct{}{}
		}
		return true, e, nil
	})
	return client
}

func (c *cluster) scales() *scalefake.FakeScaleClient {
	scales := &scalefake.FakeScaleClient{}
	scales.AddReactor("get", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		size := c.cases[a.GetNamespace()].replicas
		return true, &autoscalingv1.Scale{
			ObjectMeta: metav1.ObjectMeta{Name: "x", Namespace: a.GetNamespace()},
			Spec:       autoscalingv1.ScaleSpec{Replicas: size.Spec},
			Status:     autoscalingv1.ScaleStatus{Replicas: size.Status, Selector: "app=x"},
		}, nil
	})
	scales.AddReactor("update", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		s := written[*autoscalingv1.Scale](a)
		c.note(s.Namespace, func(o *outcome) { o.Wrote = s.Spec.Replicas })
		return true, s, nil
	})
	return scales
}

// written is the object of a create or an update.
func written[T runtime.Object](a clienttesting.Action) T {
	w, ok := a.(interface{ GetObject() runtime.Object })
	if !ok {
		panic(fmt.Sprintf("%T writes nothing", a))
	}
	o, ok := w.GetObject().(T)
	if !ok {
		panic(fmt.Sprintf("%T is written where another kind is", w.GetObject()))
	}
	return o
}

// note changes the outcome of a case.
func (c *cluster) note(ns string, change func(*outcome)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	o, ok := c.outcome[ns]
	if !ok {
		o.Wrote = -1
	}
	change(&o)
	c.outcome[ns] = o
}

func mapper() meta.RESTMapper {
	apps := schema.GroupVersion{Group: "apps", Version: "v1"}
	m := meta.NewDefaultRESTMapper([]schema.GroupVersion{apps})
	m.Add(apps.WithKind("Deployment"), meta.RESTScopeNamespace)
	return m
}

// The cluster answers for metrics too.

func (c *cluster) GetResourceMetric(ctx context.Context, r corev1.ResourceName, ns string, s labels.Selector, container string) (metrics.PodMetricsInfo, time.Time, error) {
	x := c.cases[ns]
	if x.failing[autoscalingv2.ResourceMetricSourceType] {
		return nil, time.Time{}, errUnread
	}
	return x.metrics.GetResourceMetric(ctx, r, ns, s, container)
}

func (c *cluster) GetRawMetric(name, ns string, s, m labels.Selector) (metrics.PodMetricsInfo, time.Time, error) {
	x := c.cases[ns]
	if x.failing[autoscalingv2.PodsMetricSourceType] {
		return nil, time.Time{}, errUnread
	}
	return x.metrics.GetRawMetric(name, ns, s, m)
}

func (c *cluster) GetObjectMetric(name, ns string, ref *autoscalingv2.CrossVersionObjectReference, m labels.Selector) (int64, time.Time, error) {
	x := c.cases[ns]
	if x.failing[autoscalingv2.ObjectMetricSourceType] {
		return 0, time.Time{}, errUnread
	}
	return x.metrics.GetObjectMetric(name, ns, ref, m)
}

func (c *cluster) GetExternalMetric(name, ns string, m labels.Selector) ([]int64, time.Time, error) {
	x := c.cases[ns]
	if x.failing[autoscalingv2.ExternalMetricSourceType] {
		return nil, time.Time{}, errUnread
	}
	return x.metrics.GetExternalMetric(name, ns, m)
}

// remind gives upstream's controller a past, which nobody outside may do: it
// keeps it in maps that it does not export.
func remind(controller *podautoscaler.HorizontalController, key string, x *turn) {
	list := func(field string, n int, fill func(i int, element reflect.Value)) {
		if n == 0 {
			return
		}
		m := reach(reflect.ValueOf(controller).Elem().FieldByName(field))
		s := reflect.MakeSlice(m.Type().Elem(), n, n)
		for i := range n {
			fill(i, s.Index(i))
		}
		m.SetMapIndex(reflect.ValueOf(key), s)
	}
	list("recommendations", len(x.wants), func(i int, e reflect.Value) {
		reach(e.FieldByName("recommendation")).SetInt(int64(x.wants[i].Replicas))
		reach(e.FieldByName("timestamp")).Set(reflect.ValueOf(x.wants[i].At))
	})
	var ups, downs []engine.Resize
	for _, r := range x.resizes {
		if r.Change > 0 {
			ups = append(ups, r)
		} else {
			downs = append(downs, r)
		}
	}
	resized := func(rs []engine.Resize) func(int, reflect.Value) {
		return func(i int, e reflect.Value) {
			reach(e.FieldByName("replicaChange")).SetInt(int64(math.Abs(float64(rs[i].Change))))
			reach(e.FieldByName("timestamp")).Set(reflect.ValueOf(rs[i].At))
		}
	}
	list("scaleUpEvents", len(ups), resized(ups))
	list("scaleDownEvents", len(downs), resized(downs))
}

// reach makes an unexported field settable.
func reach(v reflect.Value) reflect.Value {
	return reflect.NewAt(v.Type(), unsafe.Pointer(v.UnsafeAddr())).Elem()
}
