package cli

import (
	"fmt"

	"github.com/spf13/pflag"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/clientcmd"
)

// access is which cluster and namespace a command is about, as its flags and
// the kubeconfig say.
type access struct {
	rules     *clientcmd.ClientConfigLoadingRules
	overrides clientcmd.ConfigOverrides
}

func newAccess() access { return access{rules: clientcmd.NewDefaultClientConfigLoadingRules()} }

func (a *access) addFlags(f *pflag.FlagSet) {
	f.StringVar(&a.rules.ExplicitPath, "kubeconfig", "", "kubeconfig file; absent, as kubectl finds it")
	f.StringVar(&a.overrides.CurrentContext, "context", "", "context of the kubeconfig")
	f.StringVarP(&a.overrides.Context.Namespace, "namespace", "n", "", "namespace; absent, the context's")
}

// connect returns how to reach the cluster, and the namespace.
func (a *access) connect() (c *rest.Config, namespace string, err error) {
	loader := clientcmd.NewNonInteractiveDeferredLoadingClientConfig(a.rules, &a.overrides)
	if namespace, _, err = loader.Namespace(); err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	if c, err = loader.ClientConfig(); err != nil {
		return nil, "", fmt.Errorf("kubeconfig: %w", err)
	}
	return c, namespace, nil
}
