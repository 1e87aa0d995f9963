package volume

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	authenticationv1 "k8s.io/api/authentication/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
)

func objects() []runtime.Object {
	return []runtime.Object{
		&corev1.ConfigMap{
			ObjectMeta: metav1.ObjectMeta{Name: "cm", Namespace: "ns"},
			Data:       map[string]string{"a.txt": "A", "b.txt": "B"}, BinaryData: map[string][]byte{"bin": {0, 1}},
		},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "s", Namespace: "ns"}, Data: map[string][]byte{"password": []byte("hunter2")}},
	}
}

func podWith(mounts []corev1.VolumeMount, volumes ...corev1.Volume) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: "p", Namespace: "ns", UID: "u", Labels: map[string]string{"run": "p"}},
		Spec: corev1.PodSpec{
			ServiceAccountName: "sa", Volumes: volumes, Containers: []corev1.Container{{Name: "c", VolumeMounts: mounts}},
		},
	}
}

func configMap(name string, items ...corev1.KeyToPath) corev1.VolumeSource {
	return corev1.VolumeSource{ConfigMap: &corev1.ConfigMapVolumeSource{
		LocalObjectReference: corev1.LocalObjectReference{Name: name}, Items: items,
	}}
}

// files are the contents of what is mounted at a path, as a program confined to root sees it.
func files(t *testing.T, root, at string) map[string]string {
	t.Helper()
	confined, err := os.OpenRoot(root)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = confined.Close() }()
	dir, err := confined.OpenRoot(strings.TrimPrefix(at, "/"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = dir.Close() }()
	got := map[string]string{}
	var walk func(string)
	walk = func(folder string) {
		f, err := dir.Open(folder)
		if err != nil {
			t.Fatal(err)
		}
		entries, err := f.ReadDir(-1)
		_ = f.Close()
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			if e.IsDir() {
				walk(name)
				continue
			}
			b, err := dir.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			got[name] = string(b)
		}
	}
	walk(".")
	return got
}

func TestWrite_puts_volumes_where_containers_expect_them(t *testing.T) {
	client := fake.NewClientset(objects()...)
	client.PrependReactor("create", "serviceaccounts", func(a clienttesting.Action) (bool, runtime.Object, error) {
		return true, &authenticationv1.TokenRequest{Status: authenticationv1.TokenRequestStatus{Token: "tok"}}, nil
	})
	mode := int32(0o400)
	p := podWith(
		[]corev1.VolumeMount{
			{Name: "cm", MountPath: "/etc/config"},
			{Name: "s", MountPath: "/etc/config/secret"}, // one inside the other
			{Name: "some", MountPath: "/opt/some/"},
			{Name: "empty", MountPath: "/data"},
			{Name: "pod", MountPath: "/etc/pod"},
			{Name: "all", MountPath: "/all"},
			{Name: "cm", MountPath: "/one/file", SubPath: "b.txt"},
		},
		corev1.Volume{Name: "cm", VolumeSource: configMap("cm")},
		corev1.Volume{Name: "s", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "s", DefaultMode: &mode}}},
		corev1.Volume{Name: "some", VolumeSource: configMap("cm", corev1.KeyToPath{Key: "a.txt", Path: "sub/x.txt"})},
		corev1.Volume{Name: "empty", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		corev1.Volume{Name: "pod", VolumeSource: corev1.VolumeSource{DownwardAPI: &corev1.DownwardAPIVolumeSource{Items: []corev1.DownwardAPIVolumeFile{
			{Path: "labels", FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.labels"}},
		}}}},
		corev1.Volume{Name: "all", VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{Sources: []corev1.VolumeProjection{
			{ServiceAccountToken: &corev1.ServiceAccountTokenProjection{Path: "token"}},
			{ConfigMap: &corev1.ConfigMapProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "cm"}, Items: []corev1.KeyToPath{{Key: "b.txt", Path: "b"}}}},
			{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "s"}}},
		}}}},
	)
	root := t.TempDir()
	w := Writer{Client: client}
	for range 2 { // the second time nothing may change
		if err := w.Write(t.Context(), p, root); err != nil {
			t.Fatal(err)
		}
	}
	for at, want := range map[string]map[string]string{
		"/etc/config/secret": {"password": "hunter2"},
		"/opt/some":          {"sub/x.txt": "A"},
		"/data":              {},
		"/etc/pod":           {"labels": `run="p"`},
		"/all":               {"token": "tok", "b": "B", "password": "hunter2"},
	} {
		if d := cmp.Diff(want, files(t, root, at)); d != "" {
			t.Errorf("%s: %s", at, d)
		}
	}
	if b, err := os.ReadFile(filepath.Join(root, "etc/config/a.txt")); err != nil || string(b) != "A" {
		t.Errorf("/etc/config/a.txt is %q: %v", b, err)
	}
	if b, err := os.ReadFile(filepath.Join(root, "one/file")); err != nil || string(b) != "B" {
		t.Errorf("/one/file is %q: %v", b, err)
	}
	if at, err := os.Stat(filepath.Join(root, "etc/config/secret/password")); err != nil || at.Mode().Perm() != 0o400 {
		t.Errorf("the secret's mode is %v: %v", at, err)
	}
	requests := 0
	for _, a := range client.Actions() {
		if a.GetVerb() == "create" {
			requests++
		}
	}
	if requests != 1 {
		t.Errorf("%d tokens were asked for, want 1: the first is still young", requests)
	}
}

func TestWrite_follows_a_changed_ConfigMap(t *testing.T) {
	client := fake.NewClientset(objects()...)
	p := podWith([]corev1.VolumeMount{{Name: "cm", MountPath: "/c"}}, corev1.Volume{Name: "cm", VolumeSource: configMap("cm")})
	root := t.TempDir()
	w := Writer{Client: client}
	if err := w.Write(t.Context(), p, root); err != nil {
		t.Fatal(err)
	}
	cm, err := client.CoreV1().ConfigMaps("ns").Get(t.Context(), "cm", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	cm.Data, cm.BinaryData = map[string]string{"a.txt": "new"}, nil
	if _, err := client.CoreV1().ConfigMaps("ns").Update(t.Context(), cm, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := w.Write(t.Context(), p, root); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(map[string]string{"a.txt": "new"}, files(t, root, "/c")); d != "" {
		t.Error(d)
	}
}

func TestWrite_says_what_cannot_be_had(t *testing.T) {
	yes := true
	optional := configMap("none")
	optional.ConfigMap.Optional = &yes
	for _, tc := range []struct {
		why    string
		source corev1.VolumeSource
		want   string
	}{
		{"no such ConfigMap", configMap("none"), `configmaps "none" not found`},
		{"no such key", configMap("cm", corev1.KeyToPath{Key: "z", Path: "z"}), "references non-existent config key: z"},
		{"an optional one is empty", optional, ""},
		{"the host's files", corev1.VolumeSource{HostPath: &corev1.HostPathVolumeSource{Path: "/etc"}}, "never reaches the host"},
		{"out of the volume", configMap("cm", corev1.KeyToPath{Key: "a.txt", Path: "../../escape"}), "escape"},
	} {
		err := Writer{Client: fake.NewClientset(objects()...)}.Write(t.Context(),
			podWith(nil, corev1.Volume{Name: "v", VolumeSource: tc.source}), t.TempDir())
		switch {
		case tc.want == "" && err != nil:
			t.Errorf("%s: %v", tc.why, err)
		case tc.want != "" && (err == nil || !strings.Contains(err.Error(), tc.want) || !strings.Contains(err.Error(), `"v"`)):
			t.Errorf("%s: %v, want one about volume v with %q", tc.why, err, tc.want)
		}
	}
}

func TestWrite_refuses_two_volumes_at_one_path(t *testing.T) {
	p := podWith([]corev1.VolumeMount{{Name: "a", MountPath: "/x"}},
		corev1.Volume{Name: "a", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}},
		corev1.Volume{Name: "b", VolumeSource: corev1.VolumeSource{EmptyDir: &corev1.EmptyDirVolumeSource{}}})
	p.Spec.Containers = append(p.Spec.Containers, corev1.Container{Name: "d", VolumeMounts: []corev1.VolumeMount{{Name: "b", MountPath: "/x"}}})
	if err := (Writer{}).Write(t.Context(), p, t.TempDir()); err == nil || !strings.Contains(err.Error(), "another mount path") {
		t.Errorf("error %v", err)
	}
}

func TestRewrite_changes_exact_prefixes_only(t *testing.T) {
	mounts := []corev1.VolumeMount{{MountPath: "/etc/config"}, {MountPath: "/data/"}}
	for text, want := range map[string]string{
		"/etc/config":            "/r/etc/config",
		"/etc/config/a":          "/r/etc/config/a",
		"/etc/configuration":     "/etc/configuration",
		"--file=/data/x":         "--file=/r/data/x",
		"/data":                  "/r/data",
		"/other":                 "/other",
		"see /data/x":            "see /data/x",
		"http://host/etc/config": "http://host/etc/config",
	} {
		if got := Rewrite(text, "/r", mounts); got != want {
			t.Errorf("%q became %q, want %q", text, got, want)
		}
	}
}
