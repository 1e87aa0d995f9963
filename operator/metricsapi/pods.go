package metricsapi

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/resource"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/endpoints/request"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/metrics/pkg/apis/metrics"
)

// podMetrics serves pods.metrics.k8s.io.
type podMetrics struct{ usage Usage }

var (
	_ rest.Lister               = &podMetrics{}
	_ rest.Getter               = &podMetrics{}
	_ rest.Scoper               = &podMetrics{}
	_ rest.KindProvider         = &podMetrics{}
	_ rest.SingularNameProvider = &podMetrics{}
)

func (*podMetrics) New() runtime.Object     { return &metrics.PodMetrics{} }
func (*podMetrics) NewList() runtime.Object { return &metrics.PodMetricsList{} }
func (*podMetrics) Destroy()                {}
func (*podMetrics) Kind() string            { return "PodMetrics" }
func (*podMetrics) NamespaceScoped() bool   { return true }

// GetSingularName is empty, as metrics-server's: "pod" is the core group's.
func (*podMetrics) GetSingularName() string { return "" }

// List returns the pods that have samples, in the order of the core API.
func (m *podMetrics) List(ctx context.Context, o *internalversion.ListOptions) (runtime.Object, error) {
	namespace := request.NamespaceValue(ctx)
	pods := selected(m.usage.Pods.Pods(namespace, labelsOf(o)), o)
	slices.SortFunc(pods, func(a, b Object) int {
		return cmp.Or(strings.Compare(a.Namespace, b.Namespace), strings.Compare(a.Name, b.Name))
	})
	now := m.usage.Clock()
	list := &metrics.PodMetricsList{Items: make([]metrics.PodMetrics, 0, len(pods))}
	for _, p := range pods {
		if s, _ := m.usage.Store.Pod(p.Namespace, p.Name); s.Served() {
			list.Items = append(list.Items, podItem(p, s, now))
		}
	}
	return list, nil
}

// Get returns one pod's usage, or says why there is none.
func (m *podMetrics) Get(ctx context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	namespace := request.NamespaceValue(ctx)
	p, known := m.usage.Pods.Pod(namespace, name)
	if !known {
		return nil, apierrors.NewNotFound(corev1.Resource("pods"), namespace+"/"+name)
	}
	s, _ := m.usage.Store.Pod(namespace, name)
	if !s.Served() {
		_, _, _, why := m.usage.Store.PodUsage(namespace, name, "", true)
		if why == "" {
			_, _, _, why = m.usage.Store.PodUsage(namespace, name, "", false)
		}
		return nil, absent("podmetrics", namespace+"/"+name, why)
	}
	item := podItem(p, s, m.usage.Clock())
	return &item, nil
}

// ConvertToTable prints what kubectl shows of the objects.
func (m *podMetrics) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	var t table
	switch o := object.(type) {
	case *metrics.PodMetrics:
		t.add(o.Name, sum(o.Containers), o.Window.Duration, o)
	case *metrics.PodMetricsList:
		t.ListMeta = o.ListMeta
		for i := range o.Items {
			p := &o.Items[i]
			t.add(p.Name, sum(p.Containers), p.Window.Duration, p)
		}
	default:
		return nil, notPrintable(object)
	}
	return t.finish(), nil
}

// podItem is the API's form of a pod's samples. Its instant is that of the
// container measured longest ago.
func podItem(p Object, s resource.PodSample, now time.Time) metrics.PodMetrics {
	oldest := slices.MinFunc(s.Containers, func(a, b resource.Container) int { return a.At.Compare(b.At) })
	item := metrics.PodMetrics{
		ObjectMeta: metav1.ObjectMeta{Namespace: p.Namespace, Name: p.Name, Labels: p.Labels, CreationTimestamp: metav1.NewTime(now)},
		Timestamp:  metav1.NewTime(oldest.At),
		Window:     metav1.Duration{Duration: oldest.Window},
		Containers: make([]metrics.ContainerMetrics, len(s.Containers)),
	}
	for i, c := range s.Containers {
		item.Containers[i] = metrics.ContainerMetrics{Name: c.Name, Usage: quantities(c.Sample)}
	}
	return item
}

// sum adds up the containers.
func sum(containers []metrics.ContainerMetrics) corev1.ResourceList {
	if len(containers) == 1 {
		return containers[0].Usage
	}
	total := corev1.ResourceList{}
	for _, c := range containers {
		for name, q := range c.Usage {
			t := total[name]
			t.Add(q)
			total[name] = t
		}
	}
	return total
}
