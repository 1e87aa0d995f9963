package auth_test

import (
	"context"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
)

// record is one of KEDA's answers about references, see conformance/testdata/keda.
type record struct {
	ID       string `json:"id"`
	Category string `json:"category"`
	Input    struct {
		AuthenticationRef *v1alpha1.AuthenticationRef  `json:"authentication_ref"`
		PodSpec           *corev1.PodSpec              `json:"pod_spec"`
		Container         corev1.Container             `json:"container"`
		Namespace         string                       `json:"namespace"`
		Reads             []read                       `json:"api_reads"`
		Files             map[string]map[string]string `json:"files_under_auth_root"`
		Restricted        bool                         `json:"restrict_secret_access"`
		OperatorSecrets   map[string]map[string]string `json:"secrets_in_keda_namespace"`
		Path              string                       `json:"relative_path"`
		HasRoot           bool                         `json:"root_configured"`
		Content           *string                      `json:"file_content"`
		Name, Key         string
	} `json:"input"`
	Expected struct {
		Params   map[string]string `json:"auth_params"`
		Env      map[string]string `json:"env"`
		Identity *struct {
			Provider string `json:"provider"`
		} `json:"pod_identity"`
		Replicas      int32   `json:"replicas"`
		Error         *string `json:"error"`
		ErrorExpected bool    `json:"error_expected"`
	} `json:"expected"`
}

// read is one request that KEDA made.
type read struct {
	Kind, Type, Namespace, Name string
	Object, Result              json.RawMessage
}

const prefix = "resolver/auth_ref/TestResolveAuthRef-"

// different are the records that Furl answers otherwise on purpose, with the reason.
var different = map[string]string{
	prefix + "triggerauth_exists_bound_service_account_token/L731":                                    "boundServiceAccountToken is not supported yet",
	prefix + "clustertriggerauth_exists_bound_service_account_token_but_service_account_in_the_/L731": "boundServiceAccountToken is not supported yet",
}

func TestRecords_are_answered_as_KEDA_does(t *testing.T) {
	data, err := os.ReadFile("../../conformance/testdata/keda/resolver.json")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, r := range decode[[]record](t, data) {
		seen[r.ID] = true
		t.Run(r.ID, func(t *testing.T) {
			why := different[r.ID]
			if got := judge(t, r); (got != "") != (why != "") {
				t.Errorf("listed as different %q, but:\n%s", why, got)
			}
		})
	}
	for id := range different {
		if !seen[id] {
			t.Errorf("%s is listed as different, but there is no such record", id)
		}
	}
}

// judge says what is other than with KEDA.
func judge(t *testing.T, r record) string {
	t.Helper()
	resolver := auth.Resolver{Reader: readerOf(t, r), Settings: auth.Settings{Namespace: "keda", RestrictSecrets: r.Input.Restricted}}
	switch r.Category {
	case "resolver/auth_ref":
		return judgeReference(t, r, resolver)
	case "resolver/container_env":
		pod := &corev1.PodSpec{Containers: []corev1.Container{r.Input.Container}}
		env, err := resolver.Environment(t.Context(), r.Input.Namespace, pod, "")
		return compare(err, r.Expected.Error != nil, r.Expected.Env, env)
	case "resolver/auth_file":
		settings := auth.Settings{}
		if r.Input.HasRoot {
			settings.FileRoot = t.TempDir()
		}
		if r.Input.Content != nil {
			write(t, filepath.Join(settings.FileRoot, r.Input.Path), []byte(*r.Input.Content))
		}
		params, err := settings.File(r.Input.Path)
		return compare(err, r.Expected.ErrorExpected, r.Expected.Params, params)
	case "resolver/auth_secret":
		spec := v1alpha1.TriggerAuthenticationSpec{SecretTargetRef: []v1alpha1.AuthSecretTargetRef{{Parameter: "p", Name: r.Input.Name, Key: r.Input.Key}}}
		resolver.Reader = &fakes{specs: map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec{ref(v1alpha1.KindTriggerAuthentication, r.Input.Namespace, "a"): &spec}}
		_, err := resolver.Resolve(t.Context(), auth.Subject{Namespace: r.Input.Namespace}, &v1alpha1.AuthenticationRef{Name: "a"})
		return compare(err, false, 0, 0)
	case "resolver/current_replicas":
		return compare(nil, r.Expected.Error != nil, r.Expected.Replicas, sizeOf(t, r))
	}
	t.Fatalf("category %q: nobody answers it", r.Category)
	return ""
}

func judgeReference(t *testing.T, r record, resolver auth.Resolver) string {
	t.Helper()
	if r.Input.Files != nil {
		resolver.FileRoot = t.TempDir()
	}
	for name, params := range r.Input.Files {
		data, err := json.Marshal(params)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(resolver.FileRoot, name), data)
	}
	subject := auth.Subject{Namespace: r.Input.Namespace, Pod: func(context.Context) (*corev1.PodSpec, error) { return r.Input.PodSpec, nil }}
	got, err := resolver.Resolve(t.Context(), subject, r.Input.AuthenticationRef)
	want := r.Expected.Params
	if r.Expected.Error == nil && got.Identity.Provider != r.Expected.Identity.Provider {
		return "identity of " + got.Identity.Provider
	}
	return compare(err, r.Expected.Error != nil, want, got.Params)
}

func compare(err error, wantError bool, want, got any) string {
	if (err != nil) != wantError {
		return "error " + errorText(err)
	}
	if err != nil {
		return "" // the wording is ours
	}
	return cmp.Diff(want, got)
}

func errorText(err error) string {
	if err == nil {
		return "none"
	}
	return err.Error()
}

// sizeOf asks for the size of a record's workload as the loops do.
func sizeOf(t *testing.T, r record) int32 {
	t.Helper()
	workloads := kube.NewWorkloads(nil)
	o := decode[*v1alpha1.ScaledObject](t, r.Input.Reads[0].Result)
	kind := o.Status.ScaleTargetGVKR
	raw := r.Input.Reads[1].Result
	switch kind.Kind {
	case "Deployment":
		workloads.Deployments().Put(decode[*appsv1.Deployment](t, raw))
	case "StatefulSet":
		workloads.StatefulSets().Put(decode[*appsv1.StatefulSet](t, raw))
	case "ReplicaSet":
		workloads.ReplicaSets().Put(decode[*appsv1.ReplicaSet](t, raw))
	}
	target := auth.TargetOf(o)
	target.Kind, target.Name = kind.Kind, r.Input.Reads[1].Name
	size, known := workloads.Size(target)
	if !known {
		t.Fatalf("%s is not known", target)
	}
	return size.Replicas.Spec
}

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

// readerOf has the objects that KEDA read.
func readerOf(t *testing.T, r record) *fakes {
	t.Helper()
	f := &fakes{data: map[kube.Ref]map[string]string{}, specs: map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec{}}
	for name, data := range r.Input.OperatorSecrets {
		f.data[ref(kube.KindSecret, "keda", name)] = data
	}
	for _, a := range r.Input.Reads {
		at := ref(a.Kind, a.Namespace, a.Name)
		if string(a.Object) == "null" || a.Object == nil {
			continue
		}
		switch a.Kind {
		case kube.KindSecret:
			data := map[string]string{}
			for k, v := range decode[corev1.Secret](t, a.Object).Data {
				data[k] = string(v)
			}
			f.data[at] = data
		case kube.KindConfigMap:
			f.data[at] = decode[corev1.ConfigMap](t, a.Object).Data
		case kube.KindServiceAccount:
			f.data[at] = decode[corev1.ServiceAccount](t, a.Object).Annotations
		case v1alpha1.KindTriggerAuthentication, v1alpha1.KindClusterTriggerAuthentication:
			f.specs[at] = &decode[*v1alpha1.TriggerAuthentication](t, a.Object).Spec
		}
	}
	return f
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

func decode[T any](t *testing.T, data []byte) (into T) {
	t.Helper()
	if err := json.Unmarshal(data, &into); err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	return into
}
