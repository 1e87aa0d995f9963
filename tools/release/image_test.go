package main

import (
	"archive/tar"
	"archive/zip"
	"crypto/x509"
	"encoding/json"
	"errors"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
	"github.com/google/go-containerregistry/pkg/v1/validate"
	"sigs.k8s.io/yaml"
)

func zipNames(t *testing.T, path string) []string {
	t.Helper()
	z, err := zip.OpenReader(path)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close() //nolint:errcheck // only read
	all := make([]string, 0, len(z.File))
	for _, f := range z.File {
		all = append(all, f.Name)
	}
	return all
}

// TestImage_is_what_a_pod_needs reads the image of furl back from each form.
func TestImage_is_what_a_pod_needs(t *testing.T) {
	o := orderOf(t)
	if _, err := o.image(t.Context(), images()[0]); err != nil {
		t.Fatal(err)
	}
	root, err := layout.ImageIndexFromPath(filepath.Join(o.out, "furl"))
	if err != nil {
		t.Fatal(err)
	}
	top, err := root.IndexManifest()
	if err != nil || len(top.Manifests) != 1 {
		t.Fatalf("the layout's index: %+v, %v; want one image, so that crane push takes it", top, err)
	}
	if got := top.Manifests[0].Annotations; got[label+"ref.name"] != "9.8.7" || got["io.containerd.image.name"] != "docker.io/library/furl:9.8.7" {
		t.Errorf("names in the layout: %v", got)
	}
	idx, err := root.ImageIndex(top.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Index(idx); err != nil {
		t.Errorf("validate: %v", err)
	}
	manifest, err := idx.IndexManifest()
	if err != nil {
		t.Fatal(err)
	}
	platforms := make([]string, 0, len(manifest.Manifests))
	for _, d := range manifest.Manifests {
		if d.ArtifactType == string(types.OCIConfigJSON) { // what an image is where nothing is said
			d.ArtifactType = ""
		}
		platforms = append(platforms, d.Platform.String()+" "+d.ArtifactType)
	}
	if diff := cmp.Diff([]string{"linux/amd64 ", "linux/arm64 ", "unknown/unknown " + spdxMedia, "unknown/unknown " + spdxMedia}, platforms); diff != "" {
		t.Errorf("what the index holds:\n%s", diff)
	}
	img, err := idx.Image(manifest.Manifests[1].Digest)
	if err != nil {
		t.Fatal(err)
	}
	holdsWhatAPodNeeds(t, o, img)
	loaded, err := tarball.ImageFromPath(filepath.Join(o.out, "furl_9.8.7_linux_arm64.tar"), nil)
	if err != nil {
		t.Fatalf("as docker load reads it: %v", err)
	}
	holdsWhatAPodNeeds(t, o, loaded)
}

func holdsWhatAPodNeeds(t *testing.T, o order, img v1.Image) {
	t.Helper()
	c, err := img.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	if c.Architecture != "arm64" || c.Config.User != "65532:65532" || !c.Created.Equal(epoch()) || c.Config.Labels[label+"version"] != "9.8.7" ||
		c.Config.Labels[label+"revision"] != o.revision || cmp.Diff([]string{"/furl"}, c.Config.Entrypoint) != "" {
		t.Errorf("config: %+v", c)
	}
	found := map[string]string{}
	content := map[string][]byte{}
	extracted := mutate.Extract(img)
	defer extracted.Close() //nolint:errcheck // only read
	for r := tar.NewReader(extracted); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if !h.ModTime.Equal(epoch()) || h.Uid != 0 || h.Uname != "" {
			t.Errorf("%s is of %s and of user %d %q", h.Name, h.ModTime, h.Uid, h.Uname)
		}
		found[strings.TrimSuffix(h.Name, "/")] = os.FileMode(h.Mode).String()
		if content[h.Name], err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}
	want := map[string]string{
		"etc": "-rwxr-xr-x", "etc/group": "-rw-r--r--", "etc/passwd": "-rw-r--r--", "etc/ssl": "-rwxr-xr-x", "etc/ssl/certs": "-rwxr-xr-x",
		"etc/ssl/certs/ca-certificates.crt": "-rw-r--r--", "furl": "-rwxr-xr-x", "tmp": "-" + os.FileMode(0o1777).String()[1:],
	}
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("files in the image:\n%s", diff)
	}
	program, err := os.ReadFile(o.program(platform{"linux", "arm64"}, "furl"))
	if err != nil || string(program) != string(content["furl"]) {
		t.Errorf("the program is not the one that was built: %v", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(content["etc/ssl/certs/ca-certificates.crt"]) {
		t.Error("no certificate in the file of authorities")
	}
	if n := strings.Count(string(content["etc/ssl/certs/ca-certificates.crt"]), "BEGIN CERTIFICATE"); n < 80 {
		t.Errorf("%d authorities; Mozilla trusts more", n)
	}
}

// TestImages_are_those_of_the_manifests: what deploy/ and the walkthrough name
// is what is built.
func TestImages_are_those_of_the_manifests(t *testing.T) {
	chart, err := os.ReadFile("../../charts/furl/Chart.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var about struct{ AppVersion string }
	if err := yaml.Unmarshal(chart, &about); err != nil {
		t.Fatal(err)
	}
	o := order{version: "v" + about.AppVersion}
	for _, i := range images() {
		ref, err := o.reference(i)
		if err != nil {
			t.Fatal(err)
		}
		where := map[string]string{
			"furl": "../../deploy/40-operator.yaml", "sqs-consumer": "../../examples/pod-autoscaling/keda/vllm-qwen3/model-qwen3-4b-fp8-with-sqs.yaml",
			"prompt-generator": "../../examples/pod-autoscaling/keda/prompt-generator-job.yaml",
		}[i.program]
		if where == "" {
			continue // the walkthrough runs Kubernetes' own hpa-example, whose stand-in ours is
		}
		raw, err := os.ReadFile(where)
		if err != nil {
			t.Fatal(err)
		}
		if !regexp.MustCompile(`(?m)image: ` + regexp.QuoteMeta(ref.String()) + `\b`).Match(raw) {
			t.Errorf("%s does not name %s", where, ref)
		}
	}
	values, err := os.ReadFile("../../charts/furl/values.yaml")
	if err != nil || !strings.Contains(string(values), "\n  repository: furl\n") {
		t.Errorf("values.yaml of the chart names another image: %v", err)
	}
	manifest, err := os.ReadFile("../../deploy/40-operator.yaml")
	if err != nil || !strings.Contains(string(manifest), "runAsUser: "+user+"\n") {
		t.Errorf("deploy/40-operator.yaml runs as another user: %v", err)
	}
}

// TestPush_takes_the_image_and_what_is_attached uses a registry of its own.
func TestPush_takes_the_image_and_what_is_attached(t *testing.T) {
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0)), registry.WithReferrersSupport(true)))
	defer server.Close()
	o := orderOf(t)
	o.push, o.registry = true, strings.TrimPrefix(server.URL, "http://")+"/team"
	if _, err := o.image(t.Context(), images()[0]); err != nil {
		t.Fatal(err)
	}
	ref, err := name.ParseReference(o.registry + "/furl:9.8.7")
	if err != nil {
		t.Fatal(err)
	}
	img, err := remote.Image(ref, remote.WithPlatform(v1.Platform{OS: "linux", Architecture: "arm64"}))
	if err != nil {
		t.Fatal(err)
	}
	holdsWhatAPodNeeds(t, o, img)
	digest, err := img.Digest()
	if err != nil {
		t.Fatal(err)
	}
	referrers, err := remote.Referrers(ref.Context().Digest(digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	list, err := referrers.IndexManifest()
	if err != nil || len(list.Manifests) != 1 || list.Manifests[0].ArtifactType != spdxMedia {
		t.Fatalf("what refers to the image: %+v, %v", list, err)
	}
	artifact, err := remote.Image(ref.Context().Digest(list.Manifests[0].Digest.String()))
	if err != nil {
		t.Fatal(err)
	}
	layers, err := artifact.Layers()
	if err != nil || len(layers) != 1 {
		t.Fatalf("layers of the artifact: %v, %v", layers, err)
	}
	r, err := layers[0].Compressed()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	var d document
	if err := json.NewDecoder(r).Decode(&d); err != nil || !strings.HasSuffix(d.Name, "linux_arm64") {
		t.Errorf("the list that is attached is of %q, %v", d.Name, err)
	}
}
