package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestChart_is_as_it_is_generated(t *testing.T) {
	files, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		got, err := os.ReadFile(filepath.Join(chart, name))
		if err != nil {
			t.Error(err)
			continue
		}
		if diff := cmp.Diff(string(want), string(got)); diff != "" {
			t.Errorf("charts/furl/%s is not what make generate writes:\n%.2000s", name, diff)
		}
	}
	kinds, err := filepath.Glob(filepath.Join(chart, "files", "crds", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, kind := range kinds {
		if _, ok := files["files/crds/"+filepath.Base(kind)]; !ok {
			t.Errorf("%s is of no kind in deploy/crds any more: remove it", kind)
		}
	}
}

// valuesFiles are those that the chart must take.
func valuesFiles(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chart, "ci", "*.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values in charts/furl/ci: %v", err)
	}
	files = append(files, walkthrough+"/keda-helm-values.yaml", "testdata/keda-values.yaml")
	for i := range files {
		if files[i], err = filepath.Abs(files[i]); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

func TestChart_passes_helm_lint_with_every_values_file(t *testing.T) {
	s := newShell(t)
	for _, file := range append(valuesFiles(t), "") {
		script := "helm lint --strict charts/furl"
		if file != "" {
			script += " --values " + file
		}
		out := s.types(script)
		if !strings.Contains(out, "1 chart(s) linted, 0 chart(s) failed") {
			t.Errorf("%s: %s", script, out)
		}
	}
}

func TestChart_refuses_keys_and_values_that_it_does_not_know(t *testing.T) {
	s := newShell(t)
	for _, tc := range []struct{ set, names, why string }{
		{"operator.replicas=3", "replicas", "a typo of a key"},
		{"resouces.operator.limits.cpu=1", "resouces", "a typo at the top"},
		{"serviceAccount.create=false", "create", "a key of the wrong level"},
		{"operator.replicaCount=two", "replicaCount", "a word for a number"},
		{"hpaController=maybe", "hpaController", "none of the words"},
		{"certificates.autoGenerted=true", "", "below a key without effect anything goes"},
		{"watchLabelSelector=a=b", "watchLabelSelector", "more would be served than was asked for"},
	} {
		_, err := s.try("helm template furl charts/furl --set " + tc.set)
		switch {
		case tc.names == "" && err != nil:
			t.Errorf("%s (%s): %v", tc.set, tc.why, err)
		case tc.names != "" && (err == nil || !strings.Contains(err.Error(), tc.names)):
			t.Errorf("%s (%s): %v, want an error that names %s", tc.set, tc.why, err, tc.names)
		}
	}
}

// TestPackage_of_a_release_is_a_chart has tools/release pack the chart, whose
// bytes do not depend on the hour as those of helm package do.
func TestPackage_of_a_release_is_a_chart(t *testing.T) {
	s, dir := newShell(t), t.TempDir()
	s.types("go run -C tools/release . -root ../.. -out " + dir + " -version v9.8.7 chart")
	if out := s.types("helm lint --strict " + dir + "/furl-9.8.7.tgz"); !strings.Contains(out, "0 chart(s) failed") {
		t.Error(out)
	}
	if out := s.types("helm template furl " + dir + "/furl-9.8.7.tgz"); !strings.Contains(out, `image: "furl:9.8.7"`) {
		t.Error("the package installs another image than the release has")
	}
}

func TestNotes_name_the_values_without_effect(t *testing.T) {
	s := newShell(t)
	notes := func(args string) string {
		return s.types("helm install furl charts/furl --namespace keda --dry-run=client --hide-secret " + args + " | sed -n '/^NOTES:/,$p'")
	}
	got := notes("--set clusterName=production --set operator.name=keda-operator")
	for _, want := range []string{"These values have no effect here", "clusterName: ", "operator.name: "} {
		if !strings.Contains(got, want) {
			t.Errorf("the notes do not say %q:\n%s", want, got)
		}
	}
	if got := notes(""); strings.Contains(got, "no effect") || !strings.Contains(got, "is installed as keda/furl") {
		t.Errorf("notes without values: %s", got)
	}
	got = notes("--values examples/pod-autoscaling/keda/keda-helm-values.yaml")
	if !strings.Contains(got, "run as the account keda-sa") || strings.Contains(got, "no effect") {
		t.Errorf("notes of the walkthrough's values: %s", got)
	}
}
