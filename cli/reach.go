package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/spf13/pflag"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// callTimeout bounds every call of the cluster.
const callTimeout = 15 * time.Second

// reach is how a command finds the cluster and Furl in it.
type reach struct {
	access
	// system is Furl's namespace; empty: where decisions.furl.dev says.
	system string
}

// add declares --kubeconfig, --context, --namespace and --furl-namespace; about
// says what the namespace means.
func (a *reach) add(f *pflag.FlagSet, about string) {
	a.access = newAccess()
	a.addFlags(f)
	f.Lookup("namespace").Usage = about
	f.StringVar(&a.system, "furl-namespace", "", "namespace that Furl runs in; absent, the cluster is asked")
}

// config is the way to the cluster, every call of which is bounded in time, and
// the namespace that the context names.
func (a *reach) config() (*rest.Config, string, error) {
	c, namespace, err := a.connect()
	if err != nil {
		return nil, "", err
	}
	c = rest.CopyConfig(c)
	c.Timeout = callTimeout
	c.ContentType, c.AcceptContentTypes = runtime.ContentTypeJSON, runtime.ContentTypeJSON // what people's tools can show
	return c, namespace, nil
}

// furlNamespace is where Furl runs: as the flag says, or as the cluster does, in
// the Service behind the API of its decisions.
func (a *reach) furlNamespace(ctx context.Context, c kubernetes.Interface) (string, error) {
	if a.system != "" {
		return a.system, nil
	}
	const service = "v1alpha1.decisions.furl.dev"
	raw, err := c.Discovery().RESTClient().Get().AbsPath("/apis/apiregistration.k8s.io/v1/apiservices/" + service).Do(ctx).Raw()
	switch {
	case apierrors.IsNotFound(err):
		return "", fmt.Errorf("apiservice %s is not there, so Furl seems not to be installed; name its namespace with --furl-namespace if it is", service)
	case apierrors.IsForbidden(err):
		return "", fmt.Errorf("you may not read apiservice %s, which says where Furl runs: name its namespace with --furl-namespace (%w)", service, err)
	case err != nil:
		return "", fmt.Errorf("apiservice %s: %w", service, err)
	}
	var is struct {
		Spec struct {
			Service *struct{ Namespace string }
		}
	}
	if err := json.Unmarshal(raw, &is); err != nil {
		return "", fmt.Errorf("apiservice %s: %w", service, err)
	}
	if is.Spec.Service == nil || is.Spec.Service.Namespace == "" {
		return "", fmt.Errorf("apiservice %s names no Service: name Furl's namespace with --furl-namespace", service)
	}
	return is.Spec.Service.Namespace, nil
}
