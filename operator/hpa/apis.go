package hpa

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/policy"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	metricsv1beta1 "k8s.io/metrics/pkg/apis/metrics/v1beta1"
)

// customWindow is the window of a custom metric that names none.
const customWindow = time.Minute

// Usage is the port into the store of this process' scraper; *resource.Store is one.
type Usage interface {
	PodUsage(namespace, name, container string, cpu bool) (milli int64, at time.Time, window time.Duration, missing string)
}

// StoreResources reads CPU and memory that this process scraped itself.
type StoreResources struct{ Usage Usage }

// Measures implements [Resources] with one measure a pod, in their order.
func (s StoreResources) Measures(_ context.Context, q ResourceQuery, pods []*kube.Pod, dst []Measure) ([]Measure, error) {
	if q.Resource != corev1.ResourceCPU && q.Resource != corev1.ResourceMemory {
		return dst, fmt.Errorf("no metrics returned from resource metrics API: kubelets report cpu and memory, not %s", q.Resource)
	}
	found, why := false, ""
	for _, p := range pods {
		m := Measure{Pod: p.Name}
		m.Value, m.At, m.Window, m.Missing = s.Usage.PodUsage(p.Namespace, p.Name, q.Container, q.Resource == corev1.ResourceCPU)
		if m.Missing == "" {
			found = true
		} else if why == "" {
			why = ": " + m.Missing
		}
		dst = append(dst, m)
	}
	if !found && len(pods) > 0 {
		return dst, fmt.Errorf("no metrics returned from resource metrics API%s", why)
	}
	return dst, nil
}

// APIs reads the aggregated metrics APIs. It is [Resources], [Custom] and [External].
type APIs struct{ APIs *kube.MetricsAPIs }

// Measures implements [Resources] by metrics.k8s.io, as upstream reads it.
func (a APIs) Measures(ctx context.Context, q ResourceQuery, _ []*kube.Pod, dst []Measure) ([]Measure, error) {
	items, err := a.APIs.Pods(ctx, q.Namespace, q.Selector)
	if err != nil {
		return dst, err
	}
	for i := range items {
		p := &items[i]
		if milli, ok := usageOf(p, q); ok {
			dst = append(dst, Measure{Pod: p.Name, Value: milli, At: p.Timestamp.Time, Window: p.Window.Duration, Trusted: true})
		}
	}
	return dst, nil
}

// usageOf sums a pod's containers, all of which must have the resource, or
// takes the one that is asked for.
func usageOf(p *metricsv1beta1.PodMetrics, q ResourceQuery) (milli int64, ok bool) {
	for i := range p.Containers {
		c := &p.Containers[i]
		if q.Container != "" && c.Name != q.Container {
			continue
		}
		v, has := c.Usage[q.Resource]
		if !has {
			return 0, false
		}
		milli, ok = sum([]int64{milli, policy.Milli(v)}), true
	}
	return milli, ok
}

// PodMeasures implements [Custom].
func (a APIs) PodMeasures(_ context.Context, q PodsQuery, dst []Measure) ([]Measure, error) {
	items, err := a.APIs.OfPods(q.Namespace, q.Metric, q.Pods, q.Selector)
	if err != nil {
		return dst, err
	}
	for i := range items {
		v := &items[i]
		window := customWindow
		if v.WindowSeconds != nil {
			window = time.Duration(*v.WindowSeconds) * time.Second
		}
		dst = append(dst, Measure{
			Pod: v.DescribedObject.Name, Value: policy.Milli(v.Value), At: v.Timestamp.Time, Window: window, Trusted: true,
		})
	}
	return dst, nil
}

// ObjectValue implements [Custom].
func (a APIs) ObjectValue(_ context.Context, q ObjectQuery) (int64, time.Time, error) {
	return a.APIs.OfObject(q.Namespace, q.Kind, q.Name, q.Metric, q.Selector)
}

// Values implements [External].
func (a APIs) Values(_ context.Context, namespace, metric string, s labels.Selector) ([]int64, time.Time, error) {
	items, err := a.APIs.Series(namespace, metric, s)
	if err != nil {
		return nil, time.Time{}, err
	}
	out := make([]int64, 0, len(items))
	for i := range items {
		out = append(out, policy.Milli(items[i].Value))
	}
	return out, items[0].Timestamp.Time, nil
}
