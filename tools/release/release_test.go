package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

const version = "v9.8.7"

// built builds a small program of this repository with the builder of releases,
// once, and lays it down as each that is packed.
var built = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "release-test-")
	if err != nil {
		return "", err
	}
	host := runtime.GOOS + "/" + runtime.GOARCH
	platforms := []string{"linux/amd64", "linux/arm64", "windows/amd64"}
	if !slices.Contains(platforms, host) {
		platforms = append(platforms, host)
	}
	cmd := exec.CommandContext(context.Background(), "go", "run", "-C", "..", "./build", "-from", "..", "-version", version,
		"-platforms", strings.Join(platforms, ","), ".:./internal/version/testdata/printed="+filepath.Join(dir, "{platform}", "furl"))
	if out, err := cmd.CombinedOutput(); err != nil {
		return dir, errors.New(err.Error() + "\n" + string(out))
	}
	for _, p := range []string{"linux_amd64", "linux_arm64"} {
		for _, i := range images()[1:] {
			if err := os.Link(filepath.Join(dir, p, "furl"), filepath.Join(dir, p, i.program)); err != nil {
				return dir, err
			}
		}
	}
	return dir, nil
})

func TestMain(m *testing.M) {
	code := m.Run()
	if dir, _ := built(); dir != "" {
		_ = os.RemoveAll(dir) // of the test
	}
	os.Exit(code)
}

// orderOf is an order for a new folder.
func orderOf(t *testing.T) order {
	t.Helper()
	dir, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return order{root: "../..", built: dir, out: t.TempDir(), version: version, revision: strings.Repeat("ab", 20), screen: io.Discard}
}

// sumsOf is the checksum of every file below a folder.
func sumsOf(t *testing.T, dir string) map[string]string {
	t.Helper()
	files, err := below(dir, "")
	if err != nil {
		t.Fatal(err)
	}
	sums := map[string]string{}
	for _, f := range files {
		r, _, err := f.open()
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		_, err = io.Copy(h, r)
		r.Close() //nolint:errcheck // only read
		if err != nil {
			t.Fatal(err)
		}
		sums[f.name] = hex.EncodeToString(h.Sum(nil))
	}
	return sums
}

func TestAll_is_the_same_twice(t *testing.T) {
	first, second := orderOf(t), orderOf(t)
	for _, o := range []order{first, second} {
		if err := o.run(t.Context(), []string{"all"}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(sumsOf(t, first.out), sumsOf(t, second.out)); diff != "" {
		t.Errorf("files of the first and of the second release:\n%s", diff)
	}
	release := filepath.Join(first.out, "release")
	check := exec.CommandContext(t.Context(), "sha256sum", "--check", "--strict", "SHA256SUMS")
	check.Dir = release
	if out, err := check.CombinedOutput(); err != nil {
		t.Errorf("sha256sum --check: %v\n%s", err, out)
	}
	sums, err := os.ReadFile(filepath.Join(release, "SHA256SUMS"))
	if err != nil {
		t.Fatal(err)
	}
	for name := range sumsOf(t, release) {
		if name != "SHA256SUMS" && !strings.Contains(string(sums), "  "+name+"\n") {
			t.Errorf("SHA256SUMS lacks %s", name)
		}
	}
	for _, name := range []string{
		"furl_9.8.7_linux_arm64.tar.gz", "furl_9.8.7_windows_amd64.zip", "furl_9.8.7_linux_amd64.spdx.json", "furl-9.8.7.tgz",
		"furl_9.8.7_install.yaml", "krew_furl.yaml", "furl_9.8.7_oci.tar", "furl_9.8.7_linux_arm64.tar", "sqs-consumer_9.8.7_oci.tar",
	} {
		if !strings.Contains(string(sums), "  "+name+"\n") {
			t.Errorf("the release lacks %s", name)
		}
	}
	manifests, err := os.ReadFile(filepath.Join(release, "furl_9.8.7_install.yaml"))
	if want := "v9.8.7 install --dry-run=client -o yaml --image furl:9.8.7\n"; err != nil || string(manifests) != want {
		t.Errorf("the manifests are what %q printed, %v; want %q", manifests, err, want)
	}
}

func TestArchive_unpacks_to_a_program_of_its_version(t *testing.T) {
	o := orderOf(t)
	a, err := o.archive(platform{runtime.GOOS, runtime.GOARCH})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if out, err := exec.CommandContext(t.Context(), "tar", "-xzf", filepath.Join(o.out, a.name), "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("tar: %v\n%s", err, out)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(dir, "furl")).Output()
	if err != nil || string(out) != version+"\n" {
		t.Errorf("the program printed %q, %v; want %s", out, err, version)
	}
	// As a user of the plugin has it: kubectl-furl in PATH, and what kubectl asks.
	if err := os.Symlink("furl", filepath.Join(dir, "kubectl-furl")); err != nil {
		t.Fatal(err)
	}
	complete := exec.CommandContext(t.Context(), filepath.Join(dir, "kubectl_complete-furl"), "explain", "two words")
	complete.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"))
	if out, err := complete.Output(); err != nil || string(out) != version+" __complete explain two words\n" {
		t.Errorf("kubectl_complete-furl called %q, %v", out, err)
	}
}

func TestKrew_names_what_the_archives_hold(t *testing.T) {
	o := orderOf(t)
	archives, err := o.archives()
	if err != nil {
		t.Fatal(err)
	}
	if err := o.krew(archives); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(filepath.Join(o.out, "krew_furl.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var p plugin
	if err := yaml.UnmarshalStrict(raw, &p); err != nil {
		t.Fatal(err)
	}
	if p.APIVersion != "krew.googlecontainertools.github.com/v1alpha2" || p.Kind != "Plugin" || p.Metadata.Name != "furl" || p.Spec.Version != version {
		t.Errorf("head: %s %s %s %s", p.APIVersion, p.Kind, p.Metadata.Name, p.Spec.Version)
	}
	if d := p.Spec.ShortDescription; d == "" || len(d) > 50 || strings.HasSuffix(d, ".") {
		t.Errorf("the short description %q is empty, over 50 characters or a sentence: the index refuses it", d)
	}
	if len(p.Spec.Platforms) != len(archives) {
		t.Errorf("%d platforms for %d archives", len(p.Spec.Platforms), len(archives))
	}
	for _, at := range p.Spec.Platforms {
		name := at.URI[strings.LastIndexByte(at.URI, '/')+1:]
		if sum := sumsOf(t, o.out)[name]; sum != at.SHA256 || !strings.HasPrefix(at.URI, "https://") {
			t.Errorf("%s: checksum %s, the file's is %q", at.URI, at.SHA256, sum)
		}
		if !regexp.MustCompile(`^(linux|darwin|windows)$`).MatchString(at.Selector.MatchLabels["os"]) || at.Selector.MatchLabels["arch"] == "" {
			t.Errorf("%s: selector %v", name, at.Selector)
		}
		holds := names(t, filepath.Join(o.out, name))
		from := make([]string, 0, len(at.Files))
		for _, f := range at.Files {
			from = append(from, f.From)
			if !slices.Contains(holds, f.From) {
				t.Errorf("%s holds no %s: %q", name, f.From, holds)
			}
		}
		if !slices.Contains(from, at.Bin) {
			t.Errorf("%s: bin %s is not among the files %q", name, at.Bin, from)
		}
	}
}

// names lists what is in an archive, with the machine's own tools.
func names(t *testing.T, path string) []string {
	t.Helper()
	args := []string{"tar", "-tzf", path}
	if strings.HasSuffix(path, ".zip") {
		return zipNames(t, path)
	}
	out, err := exec.CommandContext(t.Context(), args[0], args[1:]...).Output()
	if err != nil {
		t.Fatalf("%q: %v", args, err)
	}
	return strings.Fields(string(out))
}

func TestChart_has_the_version_and_all_files(t *testing.T) {
	o := orderOf(t)
	name, err := o.chart()
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(filepath.Join(o.out, name))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, strings.TrimPrefix(h.Name, "furl/"))
		if h.Name != "furl/Chart.yaml" {
			continue
		}
		raw, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		var about struct{ Name, Version, AppVersion string }
		if err := yaml.Unmarshal(raw, &about); err != nil {
			t.Fatal(err)
		}
		if about.Name != "furl" || about.Version != "9.8.7" || about.AppVersion != "9.8.7" {
			t.Errorf("Chart.yaml: %+v", about)
		}
	}
	want := slices.Sorted(maps.Keys(sumsOf(t, "../../charts/furl")))
	if diff := cmp.Diff(want, found); diff != "" {
		t.Errorf("files of the chart and of its package:\n%s", diff)
	}
}

func TestRun_says_what_is_wrong(t *testing.T) {
	for _, tc := range []struct {
		why    string
		change func(*order)
		args   []string
		says   string
	}{
		{"no version", func(o *order) { o.version = "" }, []string{"all"}, "v1.2.3"},
		{"nothing to make", func(*order) {}, []string{"everything"}, "images, chart or all"},
		{"nowhere to push", func(o *order) { o.push = true }, []string{"images"}, "-registry"},
		{"nothing was built", func(o *order) { o.built = t.TempDir() }, []string{"images"}, "linux_amd64"},
		{"no name", func(o *order) { o.registry = "https://registry.example.com" }, []string{"images"}, "https://registry.example.com"},
	} {
		o := orderOf(t)
		tc.change(&o)
		if err := o.run(t.Context(), tc.args); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%s: %v, want %q in it", tc.why, err, tc.says)
		}
	}
}

func TestBill_lists_the_modules_of_a_program(t *testing.T) {
	// The test's own program has modules in it, and is for this platform.
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	o := orderOf(t)
	o.built = t.TempDir()
	p := platform{runtime.GOOS, runtime.GOARCH}
	if err := os.MkdirAll(filepath.Dir(o.program(p, "furl")), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, o.program(p, "furl")); err != nil {
		t.Fatal(err)
	}
	raw, err := o.bill(images()[0], p)
	if err != nil {
		t.Fatal(err)
	}
	var d document
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&d); err != nil {
		t.Fatal(err)
	}
	seen := map[string]spdxPackage{}
	id := regexp.MustCompile(`^SPDXRef-[a-zA-Z0-9.-]+$`)
	for _, m := range d.Packages {
		if _, twice := seen[m.SPDXID]; twice || !id.MatchString(m.SPDXID) {
			t.Errorf("identifier %q is there twice or none of SPDX", m.SPDXID)
		}
		seen[m.SPDXID] = m
	}
	for _, r := range d.Relationships {
		if _, known := seen[r.Related]; !known {
			t.Errorf("relationship to %q, which is not listed", r.Related)
		}
	}
	library := seen["SPDXRef-github.com-google-go-containerregistry"]
	if len(library.ExternalRefs) != 1 || library.ExternalRefs[0].Locator != "pkg:golang/github.com/google/go-containerregistry@"+library.VersionInfo ||
		!strings.HasPrefix(library.VersionInfo, "v0.") || len(library.Checksums) != 1 {
		t.Errorf("a module of the program: %+v", library)
	}
	if seen["SPDXRef-std"].VersionInfo != strings.TrimPrefix(runtime.Version(), "go") || seen["SPDXRef-golang.org-x-crypto-x509roots-fallback"].Name == "" {
		t.Errorf("Go's library %+v, or the certificates are missing", seen["SPDXRef-std"])
	}
}
