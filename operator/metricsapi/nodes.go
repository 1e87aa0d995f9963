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
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/metrics/pkg/apis/metrics"
)

// nodeMetrics serves nodes.metrics.k8s.io.
type nodeMetrics struct{ usage Usage }

var (
	_ rest.Lister               = &nodeMetrics{}
	_ rest.Getter               = &nodeMetrics{}
	_ rest.Scoper               = &nodeMetrics{}
	_ rest.KindProvider         = &nodeMetrics{}
	_ rest.SingularNameProvider = &nodeMetrics{}
)

func (*nodeMetrics) New() runtime.Object     { return &metrics.NodeMetrics{} }
func (*nodeMetrics) NewList() runtime.Object { return &metrics.NodeMetricsList{} }
func (*nodeMetrics) Destroy()                {}
func (*nodeMetrics) Kind() string            { return "NodeMetrics" }
func (*nodeMetrics) NamespaceScoped() bool   { return false }

// GetSingularName is empty, as metrics-server's: "node" is the core group's.
func (*nodeMetrics) GetSingularName() string { return "" }

// List returns the nodes that have samples, in the order of their names.
func (m *nodeMetrics) List(_ context.Context, o *internalversion.ListOptions) (runtime.Object, error) {
	nodes := selected(m.usage.Nodes.Nodes(labelsOf(o)), o)
	slices.SortFunc(nodes, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	now := m.usage.Clock()
	list := &metrics.NodeMetricsList{Items: make([]metrics.NodeMetrics, 0, len(nodes))}
	for _, n := range nodes {
		if s, _ := m.usage.Store.Node(n.Name); s.HasCPU && s.HasMemory {
			list.Items = append(list.Items, nodeItem(n, s, now))
		}
	}
	return list, nil
}

// Get returns one node's usage, or says why there is none.
func (m *nodeMetrics) Get(_ context.Context, name string, _ *metav1.GetOptions) (runtime.Object, error) {
	n, known := m.usage.Nodes.Node(name)
	if !known {
		return nil, apierrors.NewNotFound(corev1.Resource("nodes"), name)
	}
	s, _ := m.usage.Store.Node(name)
	if !s.HasCPU || !s.HasMemory {
		return nil, absent("nodemetrics", name, cmp.Or(m.usage.Store.Silence(name), "it was not asked yet"))
	}
	item := nodeItem(n, s, m.usage.Clock())
	return &item, nil
}

// ConvertToTable prints what kubectl shows of the objects.
func (m *nodeMetrics) ConvertToTable(_ context.Context, object, _ runtime.Object) (*metav1.Table, error) {
	var t table
	switch o := object.(type) {
	case *metrics.NodeMetrics:
		t.add(o.Name, o.Usage, o.Window.Duration, o)
	case *metrics.NodeMetricsList:
		t.ListMeta = o.ListMeta
		for i := range o.Items {
			n := &o.Items[i]
			t.add(n.Name, n.Usage, n.Window.Duration, n)
		}
	default:
		return nil, notPrintable(object)
	}
	return t.finish(), nil
}

func nodeItem(n Object, s resource.Sample, now time.Time) metrics.NodeMetrics {
	return metrics.NodeMetrics{
		ObjectMeta: metav1.ObjectMeta{Name: n.Name, Labels: n.Labels, CreationTimestamp: metav1.NewTime(now)},
		Timestamp:  metav1.NewTime(s.At),
		Window:     metav1.Duration{Duration: s.Window},
		Usage:      quantities(s),
	}
}
