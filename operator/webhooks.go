package operator

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/operator/hpa"
	"github.com/furl-dev/furl/operator/scaledobject"
	"github.com/furl-dev/furl/operator/webhook"
	"github.com/furl-dev/furl/operator/webhook/admit"
	"github.com/furl-dev/furl/schedule"
	"github.com/furl-dev/furl/triggers/all"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
)

// newWebhooks connects what judges objects; nil where Furl serves no ScaledObjects
// or no webhooks.
func (p *parts) newWebhooks(s *scene) (*webhook.Server, error) {
	if p.keda == nil || p.config.WebhookBindAddress == "" {
		return nil, nil //nolint:nilnil // there is none
	}
	objects, err := dynamic.NewForConfig(p.clients.Config)
	if err != nil {
		return nil, fmt.Errorf("client for pod templates: %w", err)
	}
	kinds := all.Kinds()
	names := make([]string, len(kinds))
	for i := range kinds {
		names[i] = kinds[i].Name
	}
	rules := &admit.Rules{
		Neighbours: neighbours{objects: p.keda.objects, hpas: p.controller, auths: p.keda.auths},
		Workloads: kube.Scalables{
			Client: p.clients.Core, Mapper: p.clients.Mapper, Pods: kube.NewPodSpecs(p.clients.Mapper, objects),
		},
		Kind: kinds.Find, Names: names, LenientSettings: p.config.WebhookSettings == SettingsWarn,
	}
	return webhook.New(webhook.Config{
		Address: p.config.WebhookBindAddress, Certificate: p.certificates.webhooks,
		Reviewers: webhook.Reviewers(rules), Meter: webhook.NewMeter(s.registry), Log: p.config.Log,
	}), nil
}

// listenAgain is the pause after webhooks could not be served.
const listenAgain = 10 * time.Second

// admit serves webhooks until ctx ends. Who scales does not depend on who
// admits: what is in the way is told, and tried again.
func (p *parts) admit(ctx context.Context) error {
	if p.webhooks == nil {
		return nil
	}
	for clock := (schedule.Clock{}); ; {
		err := p.webhooks.Run(ctx)
		if err == nil || ctx.Err() != nil {
			return nil //nolint:nilerr // it ended because ctx did
		}
		p.config.Log.ErrorContext(ctx, "webhooks are not served", "error", err)
		if clock.Wait(ctx, clock.Now().Add(listenAgain)) != nil {
			return nil //nolint:nilerr // ctx ended
		}
	}
}

// neighbours are the objects that this process watches anyway.
type neighbours struct {
	objects *scaledobject.Controller
	hpas    *hpa.Controller
	auths   *auth.Authentications
}

// ScaledObjects implements admit.Neighbours.
func (n neighbours) ScaledObjects(namespace string) []*v1alpha1.ScaledObject {
	return n.objects.In(namespace)
}

// Autoscalers implements admit.Neighbours.
func (n neighbours) Autoscalers(namespace string) []*autoscalingv2.HorizontalPodAutoscaler {
	return n.hpas.In(namespace)
}

// HasAuthentication implements admit.Neighbours.
func (n neighbours) HasAuthentication(kind, namespace, name string) bool {
	return n.auths.Get(kube.Ref{Kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}) != nil
}
