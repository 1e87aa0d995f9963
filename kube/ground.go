package kube

import (
	"context"
	"encoding/json"
	"fmt"

	autoscalingv2 "k8s.io/api/autoscaling/v2"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/client-go/kubernetes"
)

// Ground is what a cluster is asked about itself.
type Ground struct {
	Client kubernetes.Interface
	// Namespace is Furl's own.
	Namespace string
}

// Version is the API server's.
func (g Ground) Version(context.Context) (*version.Info, error) {
	v, err := g.Client.Discovery().ServerVersion()
	if err != nil {
		return nil, fmt.Errorf("version of the API server: %w", err)
	}
	return v, nil
}

// Try has the API server check an HPA without storing it, and returns what it
// would have stored.
func (g Ground) Try(ctx context.Context, h *autoscalingv2.HorizontalPodAutoscaler) (*autoscalingv2.HorizontalPodAutoscaler, error) {
	return g.Client.AutoscalingV2().HorizontalPodAutoscalers(g.Namespace).
		Create(ctx, h, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}, FieldManager: FieldManager})
}

// ServedBy is the Service that answers for an APIService, as namespace/name:
// empty where the API server itself does, or nobody.
func (g Ground) ServedBy(ctx context.Context, api string) (string, error) {
	raw, err := g.Client.Discovery().RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices", api).
		SetHeader("Accept", "application/json").Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("APIService %s: %w", api, err)
	}
	var is struct {
		Spec struct {
			Service *struct{ Namespace, Name string }
		}
	}
	if err := json.Unmarshal(raw, &is); err != nil {
		return "", fmt.Errorf("APIService %s: %w", api, err)
	}
	if is.Spec.Service == nil {
		return "", nil
	}
	return is.Spec.Service.Namespace + "/" + is.Spec.Service.Name, nil
}
