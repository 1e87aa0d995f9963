package environ

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes/fake"
)

func source() Source {
	return Source{
		Client: fake.NewClientset(
			&corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: "cm", Namespace: "ns"}, Data: map[string]string{"A": "from cm", "B": "b"}},
			&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "ns"}, Data: map[string][]byte{"A": []byte("from secret"), "K": []byte("key")}},
		),
		Pod: &corev1.Pod{
			ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u", Labels: map[string]string{"run": "p"}, Annotations: map[string]string{"a/b": "c"}},
			Spec: corev1.PodSpec{NodeName: "n1", ServiceAccountName: "sa", Containers: []corev1.Container{{
				Name: "c", Resources: corev1.ResourceRequirements{
					Requests: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("200m")},
					Limits:   corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("64Mi")},
				},
			}}},
			Status: corev1.PodStatus{PodIP: "127.64.0.2", PodIPs: []corev1.PodIP{{IP: "127.64.0.2"}}, HostIP: "127.0.0.1"},
		},
		Allocatable: corev1.ResourceList{corev1.ResourceCPU: resource.MustParse("4")},
	}
}

func field(path string) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: path}}
}

func amount(what, divisor string) *corev1.EnvVarSource {
	ref := &corev1.ResourceFieldSelector{Resource: what}
	if divisor != "" {
		ref.Divisor = resource.MustParse(divisor)
	}
	return &corev1.EnvVarSource{ResourceFieldRef: ref}
}

func fromConfigMap(name, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{ConfigMapKeyRef: &corev1.ConfigMapKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: &optional,
	}}
}

func fromSecret(name, key string, optional bool) *corev1.EnvVarSource {
	return &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Key: key, Optional: &optional,
	}}
}

func TestBuild(t *testing.T) {
	yes := true
	c := &corev1.Container{
		Name: "c",
		EnvFrom: []corev1.EnvFromSource{
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}}},
			{Prefix: "S_", SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}},
			{ConfigMapRef: &corev1.ConfigMapEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "none"}, Optional: &yes}},
		},
		Env: []corev1.EnvVar{
			{Name: "B", Value: "own"},
			{Name: "C", Value: "$(B) and $(BASE), $$(B), $(NONE)"},
			{Name: "NAME", ValueFrom: field("metadata.name")},
			{Name: "LABEL", ValueFrom: field("metadata.labels['run']")},
			{Name: "IP", ValueFrom: field("status.podIP")},
			{Name: "NODE", ValueFrom: field("spec.nodeName")},
			{Name: "SA", ValueFrom: field("spec.serviceAccountName")},
			{Name: "CPU", ValueFrom: amount("requests.cpu", "1m")},
			{Name: "MEM", ValueFrom: amount("limits.memory", "1Mi")},
			{Name: "NODECPU", ValueFrom: amount("limits.cpu", "")},
			{Name: "KEY", ValueFrom: fromSecret("s", "K", false)},
			{Name: "CM", ValueFrom: fromConfigMap("cm", "A", false)},
			{Name: "GONE", ValueFrom: fromSecret("none", "K", true)},
			{Name: "NOKEY", ValueFrom: fromConfigMap("cm", "Z", true)},
		},
	}
	got, err := Build(t.Context(), source(), c, map[string]string{"BASE": "base", "A": "overridden"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"BASE": "base", "A": "from cm", "B": "own", "S_A": "from secret", "S_K": "key", "C": "own and base, $(B), $(NONE)",
		"NAME": "p", "LABEL": "p", "IP": "127.64.0.2", "NODE": "n1", "SA": "sa",
		"CPU": "200", "MEM": "64", "NODECPU": "4", "KEY": "key", "CM": "from cm",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestBuild_names_what_is_missing(t *testing.T) {
	for _, tc := range []struct {
		from *corev1.EnvVarSource
		want string
	}{
		{fromConfigMap("none", "A", false), `configmaps "none" not found`},
		{fromConfigMap("cm", "Z", false), "couldn't find key Z in ConfigMap ns/cm"},
		{fromSecret("none", "A", false), `secrets "none" not found`},
		{fromSecret("s", "Z", false), "couldn't find key Z in Secret ns/s"},
		{field("spec.nonsense"), "spec.nonsense"},
		{&corev1.EnvVarSource{}, "no such source"},
	} {
		_, err := Build(t.Context(), source(), &corev1.Container{Name: "c", Env: []corev1.EnvVar{{Name: "X", ValueFrom: tc.from}}}, nil)
		if err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), "X") {
			t.Errorf("error %v, want one about X with %q", err, tc.want)
		}
	}
}

func TestBuild_never_prints_a_secret_in_an_error(t *testing.T) {
	_, err := Build(t.Context(), source(), &corev1.Container{Name: "c", Env: []corev1.EnvVar{{Name: "X", ValueFrom: fromSecret("s", "Z", false)}}}, nil)
	if err == nil || strings.Contains(err.Error(), "from secret") {
		t.Errorf("error %v", err)
	}
}

func TestExpand_replaces_known_names_only(t *testing.T) {
	got := Expand([]string{"--a=$(A)", "$(B)", "$$(A)", "$A"}, map[string]string{"A": "1"})
	if d := cmp.Diff([]string{"--a=1", "$(B)", "$(A)", "$A"}, got); d != "" {
		t.Error(d)
	}
}
