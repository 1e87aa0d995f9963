package operator

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/actuation"
	"github.com/furl-dev/furl/operator/hpa"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// followExternal watches who answers for external.metrics.k8s.io.
func (p *parts) followExternal() error {
	p.external.Changed = func() {
		if p.keda != nil {
			p.keda.objects.MetricsAPIChanged()
		}
	}
	feed, err := kube.APIServiceFeed(p.clients, kube.ExternalMetrics, &p.external)
	if err != nil {
		return err
	}
	p.feeds = append(p.feeds, feed)
	return nil
}

// answersExternal tells whether external.metrics.k8s.io leads to Furl's leader.
func (p *parts) answersExternal() bool {
	s, there := p.external.Service()
	return there && s == types.NamespacedName{Namespace: p.config.Namespace, Name: p.config.Name + leaderSuffix}
}

// externalRefusal says why no HPA can be told of Furl's metrics, and what to do.
func (p *parts) externalRefusal() error {
	s, there := p.external.Service()
	const instead = "or let Furl scale by itself: annotate " + api.AnnotationActuation + "=" + api.ActuationDirect
	switch {
	case p.answersExternal():
		return nil
	case !there:
		return fmt.Errorf("nobody answers for external.metrics.k8s.io, so no HPA can be told of triggers: furl install --external-metrics, %s", instead)
	case s.Name == "":
		return fmt.Errorf("APIService %s names no Service, so no HPA can be told of triggers: delete it, then furl install --external-metrics, %s", kube.ExternalMetrics, instead)
	}
	return fmt.Errorf("APIService %s leads to Service %s, and a cluster has it once, so no HPA can be told of Furl's triggers: remove that provider, then furl install --external-metrics, %s",
		kube.ExternalMetrics, s, instead)
}

// autoscalerChanged passes on that an HPA changed.
func (p *parts) autoscalerChanged(key types.NamespacedName) {
	if p.keda != nil {
		p.keda.objects.AutoscalerChanged(key)
	}
}

// hpas are the HPAs of the cluster as ScaledObjects see them.
func (p *parts) hpas() hpas {
	return hpas{kube.Autoscalers{Client: p.clients.Core.AutoscalingV2()}, p.controller}
}

type hpas struct {
	kube.Autoscalers
	seen *hpa.Controller
}

// Get implements scaledobject.Autoscalers.
func (h hpas) Get(key types.NamespacedName) (found *autoscalingv2.HorizontalPodAutoscaler, ours bool) {
	s, ok := h.seen.Find(key)
	if !ok {
		return nil, false
	}
	return s.Object, s.Made
}

// externalMetrics are what Furl's own HPA controller reads: what Furl itself
// tells without a detour over the API server, and all else over it.
func (p *parts) externalMetrics(s *scene) hpa.External {
	return external{own: s.told, ours: p.answersExternal, other: hpa.APIs{APIs: p.apis}}
}

type external struct {
	own   actuation.Told
	ours  func() bool
	other hpa.External
}

// Values implements hpa.External.
func (e external) Values(ctx context.Context, namespace, metric string, s labels.Selector) ([]int64, time.Time, error) {
	if !e.ours() {
		return e.other.Values(ctx, namespace, metric, s)
	}
	name, exact := s.RequiresExactMatch(v1alpha1.LabelScaledObject)
	if !exact {
		return nil, time.Time{}, errors.New("unable to fetch metrics from external metrics API: scaledObject name is not specified: select by " + v1alpha1.LabelScaledObject)
	}
	v, err := e.own.Value(types.NamespacedName{Namespace: namespace, Name: name}, metric)
	if err != nil {
		return nil, time.Time{}, fmt.Errorf("unable to fetch metrics from external metrics API: %w", err)
	}
	return []int64{v.Milli}, v.At, nil
}
