package operator

import (
	"slices"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/beside"
	"github.com/furl-dev/furl/schedule"
	"github.com/prometheus/client_golang/prometheus"
)

// scope is where Furl watches. An empty name means all, as in KEDA's
// WATCH_NAMESPACE.
func (c *Config) scope() kube.Scope {
	if slices.Contains(c.WatchNamespaces, "") {
		return nil
	}
	return kube.Scope(c.WatchNamespaces)
}

// scopeWithOwn adds Furl's own namespace, where orders for all of them are.
func (c *Config) scopeWithOwn() kube.Scope {
	s := c.scope()
	if len(s) == 0 || slices.Contains(s, c.Namespace) {
		return s
	}
	return append(slices.Clone(s), c.Namespace)
}

// newBeside connects what looks around in the cluster.
func (p *parts) newBeside(r prometheus.Registerer) *beside.Watch {
	c := p.config
	w := &beside.Watch{
		Ground: kube.Ground{Client: p.clients.Core, Namespace: c.Namespace},
		Clock:  schedule.Clock{}, Log: c.Log, Metrics: r,
	}
	if c.ResourceMetrics == ResourceSelf {
		w.APIs = append(w.APIs, beside.API{
			Name: "v1beta1.metrics.k8s.io", Namespace: c.Namespace,
			Otherwise: "Furl decides from its own readings; kubectl top and the HPAs of kube-controller-manager get that Service's; docs/guide/install.md says how to replace it",
		})
	}
	return w
}
