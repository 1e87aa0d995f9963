package images

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// installed gives a folder in which the lab's programs lie.
func installed(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{shellProgram, hpaExampleProgram, loadProgram, vllmProgram, consumerProgram, promptsProgram, "my-server"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestParse(t *testing.T) {
	digest := "sha256:" + strings.Repeat("ab", 32)
	tests := []struct {
		image, why string
		want       Reference
	}{
		{"busybox", "a short name is Docker Hub's library", Reference{hub, "library/busybox", "", ""}},
		{"busybox:1.28", "with a tag", Reference{hub, "library/busybox", "1.28", ""}},
		{"team/app", "two parts, but the first is no host", Reference{hub, "team/app", "", ""}},
		{"docker.io/busybox", "the hub by name still means its library", Reference{hub, "library/busybox", "", ""}},
		{"index.docker.io/library/busybox", "the hub's older name", Reference{hub, "library/busybox", "", ""}},
		{"localhost/app:v1", "localhost is a host without a dot", Reference{"localhost", "app", "v1", ""}},
		{"localhost:5000/a/b/c:v1", "a port is no tag", Reference{"localhost:5000", "a/b/c", "v1", ""}},
		{"registry.k8s.io/hpa-example", "a dot makes a host", Reference{"registry.k8s.io", "hpa-example", "", ""}},
		{"quay.io/x/y:t@" + digest, "tag and digest", Reference{"quay.io", "x/y", "t", digest}},
	}
	for _, test := range tests {
		got, err := Parse(test.image)
		if err != nil {
			t.Errorf("%s (%s): %v", test.image, test.why, err)
			continue
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%s (%s): -want +got\n%s", test.image, test.why, diff)
		}
	}
}

func TestParse_refuses(t *testing.T) {
	for _, image := range []string{
		"", ":", "/", "Busybox", "a//b", "busybox:", "busybox:-x", "busybox@", "busybox@sha256:12", "bu sybox", "../x", "-/x",
		"a.b/", "registry.k8s.io/", "busybox:" + strings.Repeat("x", 129), strings.Repeat("x", 300),
	} {
		if ref, err := Parse(image); !errors.Is(err, ErrInvalid) {
			t.Errorf("%q gave %+v and %v, want ErrInvalid", image, ref, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"busybox:1.28", "a.b:1/c@sha256:00", "", "@", "[::1]:5000/x"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, image string) {
		ref, err := Parse(image)
		if err != nil {
			return
		}
		text := ref.Name()
		if ref.Tag != "" {
			text += ":" + ref.Tag
		}
		if ref.Digest != "" {
			text += "@" + ref.Digest
		}
		again, err := Parse(text)
		if err != nil || again != ref {
			t.Errorf("%q → %+v, but its full form %q → %+v, %v", image, ref, text, again, err)
		}
	})
}

func TestResolve_built_in(t *testing.T) {
	dir := installed(t)
	m, err := New(dir)
	if err != nil {
		t.Fatal(err)
	}
	shell := Program{Path: filepath.Join(dir, "furl-shell"), Args: []string{"sh"}, Shell: true}
	tests := map[string]Program{
		"registry.k8s.io/hpa-example":         {Path: filepath.Join(dir, "hpa-example"), Ports: []int32{80}},
		"registry.k8s.io/hpa-example:latest":  {Path: filepath.Join(dir, "hpa-example"), Ports: []int32{80}},
		"busybox":                             shell,
		"busybox:1.28":                        shell,
		"docker.io/library/busybox:stable":    shell,
		"quay.io/mirror/busybox-glibc":        shell,
		"vllm/vllm-openai:v0.10.0":            {Path: filepath.Join(dir, "vllm-openai"), Ports: []int32{8000}},
		"ghcr.io/furl-dev/sqs-consumer:0.1.0": {Path: filepath.Join(dir, "sqs-consumer"), Ports: []int32{9090}},
		"ghcr.io/furl-dev/prompt-generator":   {Path: filepath.Join(dir, "prompt-generator")},
		"furl.dev/load:dev":                   {Path: filepath.Join(dir, "load")},
		"registry.k8s.io/pause:3.10":          {Path: filepath.Join(dir, "furl-shell"), Args: []string{"pause"}, Shell: true},
	}
	for image, want := range tests {
		got, err := m.Resolve(image)
		if err != nil {
			t.Errorf("%s: %v", image, err)
			continue
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: -want +got\n%s", image, diff)
		}
	}
}

func TestResolve_says_how_to_map_an_unknown_image(t *testing.T) {
	m, err := New(installed(t))
	if err != nil {
		t.Fatal(err)
	}
	for image, way := range map[string]string{
		"nginx:1.27":                   "furl lab up --image nginx=./my-server",
		"docker.io/library/nginx":      "furl lab up --image nginx=./my-server",
		"quay.io/team/app@" + digest(): "furl lab up --image quay.io/team/app=./my-server",
	} {
		_, err := m.Resolve(image)
		if !errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), way) {
			t.Errorf("%s: %v, want ErrUnknown that says %q", image, err, way)
		}
	}
	if _, err := (Map{}).Resolve("busybox"); !errors.Is(err, ErrUnknown) {
		t.Errorf("the zero map gave %v, want ErrUnknown", err)
	}
}

func TestResolve_names_a_program_that_is_not_installed(t *testing.T) {
	m, err := New(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	_, err = m.Resolve("busybox")
	if !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "make build") {
		t.Errorf("got %v, want a missing file and how to build it", err)
	}
}

func digest() string { return "sha256:" + strings.Repeat("01", 32) }

func TestResolve_prefers_the_most_exact_mapping(t *testing.T) {
	dir := installed(t)
	server := filepath.Join(dir, "my-server")
	m, err := New(dir,
		"nginx:1.27="+server+" --tag",
		"nginx@"+digest()+"="+server+" --digest",
		"nginx="+server+` --repo 'two words' "" x"y z"`,
		"busybox:mine=my-server",
		"alpine=furl-shell",
		"redis=my-server one",
		"redis=my-server two",
	)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		image, why string
		args       []string
		shell      bool
	}{
		{"nginx", "the repository alone", []string{"--repo", "two words", "", "xy z"}, false},
		{"docker.io/library/nginx:1.28", "another tag", []string{"--repo", "two words", "", "xy z"}, false},
		{"nginx:1.27", "its tag", []string{"--tag"}, false},
		{"nginx:1.27@" + digest(), "its digest before its tag", []string{"--digest"}, false},
		{"busybox:mine", "the user before the built-in", []string{}, false},
		{"busybox:1.28", "the built-in where the user named another tag", []string{"sh"}, true},
		{"alpine:3", "a program without a slash lies beside the executable", []string{"sh"}, true},
		{"redis", "the last of equals", []string{"two"}, false},
	}
	for _, test := range tests {
		got, err := m.Resolve(test.image)
		if err != nil {
			t.Errorf("%s (%s): %v", test.image, test.why, err)
			continue
		}
		if diff := cmp.Diff(test.args, got.Args); diff != "" || got.Shell != test.shell {
			t.Errorf("%s (%s): shell %v, want %v; args -want +got\n%s", test.image, test.why, got.Shell, test.shell, diff)
		}
	}
}

func TestNew_refuses_a_mapping_it_cannot_read(t *testing.T) {
	for _, mapping := range []string{"nginx", "=./x", "nginx=", "nginx=  ", "NGINX=./x", "nginx='x"} {
		if _, err := New(t.TempDir(), mapping); err == nil || !strings.Contains(err.Error(), mapping) {
			t.Errorf("%q: %v, want an error that quotes it", mapping, err)
		}
	}
}

func TestReadMappings_skips_comments(t *testing.T) {
	got, err := ReadMappings(strings.NewReader("# mine\n\nnginx=./a b\n  redis=./c \n"))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"nginx=./a b", "redis=./c"}, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}
