package kedatypes_test

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

// applyBytes is what kubectl apply may keep of an object in its annotation.
const applyBytes = 256 << 10

var crds = []string{
	"keda.sh_scaledobjects.yaml", "keda.sh_scaledjobs.yaml",
	"keda.sh_triggerauthentications.yaml", "keda.sh_clustertriggerauthentications.yaml",
}

// newer are the places below which ours may say more than KEDA's, because they
// are made from a younger Kubernetes. Nothing of KEDA's may be missing or other.
var newer = []string{"/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/jobTargetRef/"}

// ignored are the differences that mean nothing to a user's object.
var ignored = []string{"/metadata/annotations/controller-gen.kubebuilder.io~1version"}

// TestCRDs_say_the_same compares all but descriptions: names, short names,
// columns, types, enums, bounds, defaults, required fields, CEL rules.
func TestCRDs_say_the_same(t *testing.T) {
	theirs := filepath.Join(kedaFolder(t), "config", "crd", "bases")
	for _, name := range crds {
		t.Run(name, func(t *testing.T) {
			compare(t, "", load(t, filepath.Join(theirs, name)), load(t, filepath.Join("../../deploy/crds", name)))
		})
	}
}

func TestCRDs_are_all_of_the_group(t *testing.T) {
	files, err := os.ReadDir("../../deploy/crds")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, f := range files {
		if strings.HasPrefix(f.Name(), "keda.sh_") {
			got = append(got, f.Name())
		}
	}
	want := slices.Sorted(slices.Values(crds))
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCRDs_are_small_enough_for_kubectl_apply(t *testing.T) {
	for _, name := range crds {
		t.Run(name, func(t *testing.T) {
			data, err := json.Marshal(load(t, filepath.Join("../../deploy/crds", name)))
			if err != nil {
				t.Fatal(err)
			}
			if len(data) > applyBytes*9/10 {
				t.Errorf("%d bytes: kubectl apply takes %d and other annotations need some", len(data), applyBytes)
			}
		})
	}
}

// compare reports each place where ours differs from KEDA's.
func compare(t *testing.T, at string, theirs, ours any) {
	t.Helper()
	if slices.Contains(ignored, at) {
		return
	}
	a, isMap := theirs.(map[string]any)
	b, alsoMap := ours.(map[string]any)
	if isMap && alsoMap {
		compareMaps(t, at, a, b)
		return
	}
	c, isList := theirs.([]any)
	d, alsoList := ours.([]any)
	if isList && alsoList && len(c) == len(d) {
		for i := range c {
			compare(t, at+"/"+strconv.Itoa(i), c[i], d[i])
		}
		return
	}
	if diff := cmp.Diff(theirs, ours); diff != "" {
		t.Errorf("%s: KEDA's (-), ours (+):\n%s", at, diff)
	}
}

func compareMaps(t *testing.T, at string, theirs, ours map[string]any) {
	t.Helper()
	keys := maps.Clone(theirs)
	maps.Copy(keys, ours)
	for key := range keys {
		here := at + "/" + strings.ReplaceAll(key, "/", "~1")
		a, hasTheirs := theirs[key]
		b, hasOurs := ours[key]
		switch {
		case key == "description" && isText(a, b):
		case !hasTheirs && slices.ContainsFunc(newer, func(p string) bool { return strings.HasPrefix(here, p) }):
		case hasTheirs != hasOurs:
			t.Errorf("%s: with KEDA %v, here %v", here, hasTheirs, hasOurs)
		default:
			compare(t, here, a, b)
		}
	}
}

// isText tells a description from a property of that name.
func isText(values ...any) bool {
	return !slices.ContainsFunc(values, func(v any) bool {
		_, text := v.(string)
		return v != nil && !text
	})
}

func load(t *testing.T, path string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := yaml.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

// kedaFolder asks go where KEDA's module is.
func kedaFolder(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/kedacore/keda/v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
