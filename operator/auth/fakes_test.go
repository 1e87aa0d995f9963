package auth_test

import (
	"context"
	"maps"
	"os"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"k8s.io/apimachinery/pkg/types"
)

// fakes are objects of a cluster.
type fakes struct {
	data  map[kube.Ref]map[string]string
	specs map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec
}

func (f *fakes) Read(_ context.Context, r kube.Ref) (map[string]string, bool, error) {
	data, found := f.data[r]
	return maps.Clone(data), found, nil
}

func (f *fakes) Authentication(_ context.Context, r kube.Ref) (*v1alpha1.TriggerAuthenticationSpec, error) {
	return f.specs[r], nil
}

func ref(kind, namespace, name string) kube.Ref {
	return kube.Ref{Kind: kind, NamespacedName: types.NamespacedName{Namespace: namespace, Name: name}}
}

func write(t *testing.T, path string, data []byte) {
	t.Helper()
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
}
