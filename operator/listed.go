package operator

import (
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/metricsapi"
	"github.com/furl-dev/furl/resource"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// nodes keeps of each node what scraping and serving need.
type nodes struct {
	*kube.Table[*corev1.Node, resource.Node]
}

func newNodes() *nodes { return &nodes{kube.NewTable(resource.NodeFrom, nil)} }

// Nodes implements resource.Nodes.
func (n *nodes) Nodes() []resource.Node { return n.Rows() }

// listedNodes are the nodes as the metrics API lists them.
type listedNodes struct{ all *nodes }

// Nodes implements metricsapi.Nodes.
func (l listedNodes) Nodes(s labels.Selector) []metricsapi.Object {
	rows := l.all.Rows()
	out := make([]metricsapi.Object, 0, len(rows))
	for i := range rows {
		if s.Matches(labels.Set(rows[i].Labels)) {
			out = append(out, metricsapi.Object{Name: rows[i].Name, Labels: rows[i].Labels})
		}
	}
	return out
}

// Node implements metricsapi.Nodes.
func (l listedNodes) Node(name string) (metricsapi.Object, bool) {
	n, ok := l.all.Get(types.NamespacedName{Name: name})
	return metricsapi.Object{Name: n.Name, Labels: n.Labels}, ok
}

// listedPods are the pods as the metrics API lists them.
type listedPods struct{ all *kube.Pods }

// Pods implements metricsapi.Pods.
func (l listedPods) Pods(namespace string, s labels.Selector) []metricsapi.Object {
	var out []metricsapi.Object
	take := func(p *kube.Pod) {
		if s.Matches(p.Labels) {
			out = append(out, objectOf(p))
		}
	}
	if namespace == "" {
		l.all.All(take)
		return out
	}
	for _, p := range l.all.In(namespace) {
		take(p)
	}
	return out
}

// Pod implements metricsapi.Pods.
func (l listedPods) Pod(namespace, name string) (metricsapi.Object, bool) {
	p := l.all.Get(types.NamespacedName{Namespace: namespace, Name: name})
	if p == nil {
		return metricsapi.Object{}, false
	}
	return objectOf(p), true
}

func objectOf(p *kube.Pod) metricsapi.Object {
	return metricsapi.Object{Namespace: p.Namespace, Name: p.Name, Labels: p.Labels}
}
