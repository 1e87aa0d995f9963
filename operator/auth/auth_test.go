package auth_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/operator/auth"
	"github.com/furl-dev/furl/trigger"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// hush is in every secret of these tests and in no error.
const hush = "hush-hush"

func world() *fakes {
	return &fakes{
		data: map[kube.Ref]map[string]string{
			ref(kube.KindSecret, "ns", "s"):               {"k": hush, "bad.json": hush},
			ref(kube.KindConfigMap, "ns", "c"):            {"k": "plain"},
			ref(kube.KindSecret, "furl-system", "s"):      {"k": hush + "-operator"},
			ref(kube.KindServiceAccount, "ns", "named"):   {v1alpha1.AnnotationEKSRoleARN: "arn:workload"},
			ref(kube.KindServiceAccount, "ns", "default"): {},
		},
		specs: map[kube.Ref]*v1alpha1.TriggerAuthenticationSpec{},
	}
}

func pod(containers ...corev1.Container) *corev1.PodSpec {
	return &corev1.PodSpec{ServiceAccountName: "named", Containers: containers}
}

// resolve resolves a spec as a TriggerAuthentication, or as one of the cluster.
func resolve(t *testing.T, s auth.Settings, spec v1alpha1.TriggerAuthenticationSpec, p *corev1.PodSpec, kind string) (auth.Resolved, error) {
	t.Helper()
	s.Namespace = "furl-system"
	w := world()
	w.specs[ref(v1alpha1.KindTriggerAuthentication, "ns", "a")] = &spec
	w.specs[ref(v1alpha1.KindClusterTriggerAuthentication, "", "a")] = &spec
	r := auth.Resolver{Reader: w, Settings: s}
	subject := auth.Subject{Namespace: "ns", Pod: func(context.Context) (*corev1.PodSpec, error) { return p, nil }}
	got, err := r.Resolve(t.Context(), subject, &v1alpha1.AuthenticationRef{Name: "a", Kind: kind})
	if err == nil {
		err = got.Err()
	}
	if err != nil && strings.Contains(err.Error(), hush) {
		t.Errorf("a secret in an error: %v", err)
	}
	return got, err
}

func secretTarget(parameter, name, key string) v1alpha1.AuthSecretTargetRef {
	return v1alpha1.AuthSecretTargetRef{Parameter: parameter, Name: name, Key: key}
}

func TestResolve_takes_the_later_source(t *testing.T) {
	spec := v1alpha1.TriggerAuthenticationSpec{
		Env:                []v1alpha1.AuthEnvironment{{Parameter: "p", Name: "V"}, {Parameter: "q", Name: "V", ContainerName: "second"}},
		ConfigMapTargetRef: []v1alpha1.AuthConfigMapTargetRef{{Parameter: "p", Name: "c", Key: "k"}, {Parameter: "r", Name: "c", Key: "k"}},
		SecretTargetRef:    []v1alpha1.AuthSecretTargetRef{secretTarget("r", "s", "k")},
	}
	p := pod(
		corev1.Container{Name: "first", Env: []corev1.EnvVar{{Name: "V", Value: "1"}}},
		corev1.Container{Name: "second", Env: []corev1.EnvVar{{Name: "V", Value: "2"}}},
	)
	got, err := resolve(t, auth.Settings{}, spec, p, "")
	if err != nil {
		t.Fatal(err)
	}
	want := auth.Resolved{Params: map[string]string{"p": "plain", "q": "2", "r": hush}, Identity: trigger.Identity{Provider: "none"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestResolve_looks_where_it_is_allowed_to(t *testing.T) {
	spec := v1alpha1.TriggerAuthenticationSpec{SecretTargetRef: []v1alpha1.AuthSecretTargetRef{secretTarget("p", "s", "k")}}
	for _, tc := range []struct {
		why, kind  string
		restricted bool
		want       string
	}{
		{"a TriggerAuthentication has the secrets of its namespace", "TriggerAuthentication", false, hush},
		{"one of the cluster has the operator's", "ClusterTriggerAuthentication", false, hush + "-operator"},
		{"with restricted access all have the operator's", "", true, hush + "-operator"},
	} {
		got, err := resolve(t, auth.Settings{RestrictSecrets: tc.restricted}, spec, nil, tc.kind)
		if err != nil || got.Params["p"] != tc.want {
			t.Errorf("%s: got %q, error %v", tc.why, got.Params["p"], err)
		}
	}
	if _, err := resolve(t, auth.Settings{}, spec, nil, "Secret"); err == nil {
		t.Error("took a kind that is none")
	}
}

func TestResolve_names_what_it_cannot_read(t *testing.T) {
	vault := &v1alpha1.HashiCorpVault{Address: "http://vault"}
	for _, tc := range []struct {
		why, says string
		spec      v1alpha1.TriggerAuthenticationSpec
	}{
		{"no such secret", "TriggerAuthentication ns/a: parameter p: Secret ns/gone: not found", v1alpha1.TriggerAuthenticationSpec{
			SecretTargetRef: []v1alpha1.AuthSecretTargetRef{secretTarget("p", "gone", "k")},
		}},
		{"no such key", `parameter p: Secret ns/s: key "gone": not found`, v1alpha1.TriggerAuthenticationSpec{
			SecretTargetRef: []v1alpha1.AuthSecretTargetRef{secretTarget("p", "s", "gone")},
		}},
		{"no key", "parameter p: name and key are needed", v1alpha1.TriggerAuthenticationSpec{
			SecretTargetRef: []v1alpha1.AuthSecretTargetRef{secretTarget("p", "s", "")},
		}},
		{"no such config map", "ConfigMap ns/gone: not found", v1alpha1.TriggerAuthenticationSpec{
			ConfigMapTargetRef: []v1alpha1.AuthConfigMapTargetRef{{Parameter: "p", Name: "gone", Key: "k"}},
		}},
		{"no such variable", "parameter p: variable GONE of the workload has no value", v1alpha1.TriggerAuthenticationSpec{
			Env: []v1alpha1.AuthEnvironment{{Parameter: "p", Name: "GONE"}},
		}},
		{"no such container", `container "gone"`, v1alpha1.TriggerAuthenticationSpec{
			Env: []v1alpha1.AuthEnvironment{{Parameter: "p", Name: "V", ContainerName: "gone"}},
		}},
		{"vault and another", "not supported yet: hashiCorpVault, oauth2", v1alpha1.TriggerAuthenticationSpec{
			HashiCorpVault: vault,
			OAuth2:         &v1alpha1.OAuth2{Type: "clientCredentials", ClientID: "c", TokenURL: "https://token"},
		}},
		{"not valid", "oauth2: clientId is missing", v1alpha1.TriggerAuthenticationSpec{
			OAuth2: &v1alpha1.OAuth2{Type: "clientCredentials", TokenURL: "https://token"},
		}},
		{"a file", "only a ClusterTriggerAuthentication", v1alpha1.TriggerAuthenticationSpec{FilePath: "x"}},
	} {
		_, err := resolve(t, auth.Settings{}, tc.spec, pod(corev1.Container{Name: "main"}), "")
		if err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: error %v, want %q", tc.why, err, tc.says)
		}
	}
}

func TestResolve_takes_the_identity_of_whom_it_should(t *testing.T) {
	owner := "workload"
	for _, tc := range []struct {
		why      string
		identity v1alpha1.AuthPodIdentity
		pod      *corev1.PodSpec
		want     trigger.Identity
		says     string
	}{
		{"the operator's own", v1alpha1.AuthPodIdentity{Provider: "aws"}, nil, trigger.Identity{Provider: "aws"}, ""},
		{
			"a role of the authentication",
			v1alpha1.AuthPodIdentity{Provider: "aws", RoleArn: new("arn:role"), ExternalID: new("x")},
			nil,
			trigger.Identity{Provider: "aws", RoleARN: "arn:role", ExternalID: "x"},
			"",
		},
		{"the workload's", v1alpha1.AuthPodIdentity{Provider: "aws", IdentityOwner: &owner}, pod(), trigger.Identity{Provider: "aws", RoleARN: "arn:workload"}, ""},
		{"the workload has no role", v1alpha1.AuthPodIdentity{Provider: "aws", IdentityOwner: &owner}, &corev1.PodSpec{}, trigger.Identity{}, "ServiceAccount ns/default: no annotation eks.amazonaws.com/role-arn"},
		{"nobody knows the workload", v1alpha1.AuthPodIdentity{Provider: "aws", IdentityOwner: &owner}, nil, trigger.Identity{}, "no pod template"},
		{"both", v1alpha1.AuthPodIdentity{Provider: "aws", IdentityOwner: &owner, RoleArn: new("arn:role")}, pod(), trigger.Identity{}, "give one of them"},
		{"the older way", v1alpha1.AuthPodIdentity{Provider: "aws-eks"}, pod(), trigger.Identity{Provider: "aws-eks", RoleARN: "arn:workload"}, ""},
		{"the older way without a role", v1alpha1.AuthPodIdentity{Provider: "aws-eks"}, &corev1.PodSpec{}, trigger.Identity{Provider: "aws-eks"}, ""},
		{
			"another cloud",
			v1alpha1.AuthPodIdentity{Provider: "azure-workload", IdentityID: new("i"), IdentityTenantID: new("t")},
			nil,
			trigger.Identity{Provider: "azure-workload", ID: "i", Tenant: "t"},
			"",
		},
	} {
		got, err := resolve(t, auth.Settings{}, v1alpha1.TriggerAuthenticationSpec{PodIdentity: &tc.identity}, tc.pod, "")
		if tc.says != "" {
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("%s: error %v, want %q", tc.why, err, tc.says)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", tc.why, err)
		}
		if diff := cmp.Diff(tc.want, got.Identity); diff != "" || got.Params["awsRoleArn"] != tc.want.RoleARN {
			t.Errorf("%s: parameter %q, identity %s", tc.why, got.Params["awsRoleArn"], diff)
		}
	}
}

func TestEnvironment_is_what_a_container_would_get(t *testing.T) {
	secretKey := func(name, key string, o *bool) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: o}}
	}
	field := func(path string) *corev1.EnvVarSource {
		return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
	}
	c := corev1.Container{
		Name: "main",
		EnvFrom: []corev1.EnvFromSource{
			{Prefix: "C_", ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "c"}}},
			{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "gone"}, Optional: new(true)}},
		},
		Env: []corev1.EnvVar{
			{Name: "A", Value: "a"},
			{Name: "B", Value: "$(A)-$$(A)-$(GONE$(A))-$(C_k)-$"},
			{Name: "S", ValueFrom: secretKey("s", "k", nil)},
			{Name: "T", ValueFrom: secretKey("s", "gone", new(true))},
			{Name: "N", ValueFrom: field("metadata.namespace")},
			{Name: "SA", ValueFrom: field("spec.serviceAccountName")},
			{Name: "IP", ValueFrom: field("status.podIP")},
			{Name: "E"},
		},
	}
	r := auth.Resolver{Reader: world()}
	got, err := r.Environment(t.Context(), "ns", pod(c), "")
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"C_k": "plain", "A": "a", "B": "a-$(A)-$(GONE$(A))-plain-$", "S": hush, "N": "ns", "SA": "named", "E": "",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	r.RestrictSecrets = true
	restricted, err := r.Environment(t.Context(), "ns", pod(c), "main")
	if _, has := restricted["S"]; err != nil || has {
		t.Errorf("error %v, secret read though restricted: %v", err, has)
	}
	c.Env = append(c.Env, corev1.EnvVar{Name: "X", ValueFrom: secretKey("s", "gone", nil)})
	if _, err := r.Environment(t.Context(), "furl-system", pod(c), ""); err == nil || strings.Contains(err.Error(), hush) {
		t.Errorf("error %v", err)
	}
}

// unreadable fails where a secret is optional: a pod might get it.
type unreadable struct{ fakes }

func (*unreadable) Read(context.Context, kube.Ref) (map[string]string, bool, error) {
	return nil, false, errors.New("forbidden")
}

func TestEnvironment_excuses_what_is_absent_not_what_is_refused(t *testing.T) {
	c := corev1.Container{EnvFrom: []corev1.EnvFromSource{
		{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}, Optional: new(true)}},
	}}
	if _, err := (auth.Resolver{Reader: &unreadable{}}).Environment(t.Context(), "ns", pod(c), ""); err == nil {
		t.Error("a secret that cannot be read was taken for none")
	}
}

func TestFile_stays_below_its_root_and_prints_nothing(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	if err := os.Mkdir(root, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(filepath.Dir(root), "outside.json"), []byte(`{"p":"`+hush+`"}`))
	write(t, filepath.Join(root, "bad.json"), []byte(hush))
	write(t, filepath.Join(root, "large.json"), []byte(`{"p":"`+strings.Repeat("x", 1<<20)+`"}`))
	if err := os.Symlink("../outside.json", filepath.Join(root, "link.json")); err != nil {
		t.Fatal(err)
	}
	s := auth.Settings{FileRoot: root}
	for _, path := range []string{"../outside.json", "link.json", "/etc/passwd", "gone.json", "bad.json", "large.json", ""} {
		if params, err := s.File(path); err == nil || strings.Contains(err.Error(), hush) {
			t.Errorf("%q: error %v, %d parameters", path, err, len(params))
		}
	}
}
