package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
)

// rendered are the objects of helm template.
func rendered(t *testing.T, args string) []*unstructured.Unstructured {
	t.Helper()
	return objectsOf(t, newShell(t).types("helm template "+args))
}

func objectsOf(t *testing.T, manifest string) []*unstructured.Unstructured {
	t.Helper()
	var all []*unstructured.Unstructured
	decoder := utilyaml.NewYAMLOrJSONDecoder(strings.NewReader(manifest), 4096)
	for {
		o := &unstructured.Unstructured{}
		if err := decoder.Decode(&o.Object); err != nil {
			return all
		}
		if o.GetKind() != "" {
			all = append(all, o)
		}
	}
}

// manifests are the objects of deploy/.
func manifests(t *testing.T) []*unstructured.Unstructured {
	t.Helper()
	files, err := filepath.Glob(root + "/deploy/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	more, err := filepath.Glob(root + "/deploy/crds/*.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var all []*unstructured.Unstructured
	for _, file := range append(files, more...) {
		objects, err := documents[map[string]any](file)
		if err != nil {
			t.Fatal(err)
		}
		for _, o := range objects {
			all = append(all, &unstructured.Unstructured{Object: o})
		}
	}
	return all
}

// grants are single rights: who has them, where, on what.
func grants(t *testing.T, all []*unstructured.Unstructured) []string {
	t.Helper()
	var out []string
	for _, o := range all {
		if k := o.GetKind(); k != "Role" && k != "ClusterRole" || o.GetAnnotations()["helm.sh/hook"] != "" {
			continue
		}
		rules, _, err := unstructured.NestedSlice(o.Object, "rules")
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range rules {
			r, ok := one.(map[string]any)
			if !ok {
				t.Fatalf("a rule of %s is %T", o.GetName(), one)
			}
			for _, group := range words(r, "apiGroups") {
				for _, resource := range words(r, "resources") {
					for _, verb := range words(r, "verbs") {
						out = append(out, fmt.Sprintf("%s %s/%s: %s %q %s names %v",
							o.GetKind(), o.GetNamespace(), o.GetName(), verb, group, resource, words(r, "resourceNames")))
					}
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

func words(rule map[string]any, key string) []string {
	w, _, _ := unstructured.NestedStringSlice(rule, key)
	return w
}

func TestChart_grants_the_rights_of_deploy(t *testing.T) {
	want := grants(t, manifests(t))
	if diff := cmp.Diff(want, grants(t, rendered(t, "furl charts/furl --namespace furl-system"))); diff != "" {
		t.Errorf("rights of deploy/20-roles.yaml (-) and of the chart (+):\n%s", diff)
	}
	// The same under another name: only names differ.
	got := grants(t, rendered(t, "keda charts/furl --namespace keda"))
	for i := range got {
		got[i] = strings.ReplaceAll(strings.ReplaceAll(got[i], "keda-furl", "furl"), " keda/", " furl-system/")
	}
	slices.Sort(got)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("rights of deploy/20-roles.yaml (-) and of the release keda (+):\n%s", diff)
	}
}

func TestChart_grants_no_more_to_a_release_for_some_namespaces(t *testing.T) {
	got := rendered(t, "furl charts/furl --namespace furl-system --set 'watchNamespace=shop\\, cart'")
	var wide, within []string
	for _, g := range grants(t, got) {
		switch {
		case strings.HasPrefix(g, "ClusterRole /furl:"):
			wide = append(wide, g)
		case strings.HasPrefix(g, "Role shop/furl-workloads:"):
			within = append(within, strings.Replace(g, "Role shop/furl-workloads:", "ClusterRole /furl:", 1))
		case strings.HasPrefix(g, "Role furl-system/furl-credentials:") && !strings.Contains(g, " secrets "):
			t.Errorf("beside its own namespace's secrets Furl may read %s", g)
		}
	}
	for _, g := range wide {
		if !strings.Contains(g, " nodes") && !strings.Contains(g, " cluster") && !strings.Contains(g, " apiservices") &&
			!strings.Contains(g, "webhookconfigurations") && !strings.Contains(g, "customresourcedefinitions") && !strings.Contains(g, " namespaces") {
			t.Errorf("granted in all namespaces: %s", g)
		}
	}
	all := append(wide, within...)
	slices.Sort(all)
	var want []string
	for _, g := range grants(t, manifests(t)) {
		if strings.HasPrefix(g, "ClusterRole /furl:") {
			want = append(want, g)
		}
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Errorf("rights of deploy/20-roles.yaml (-) and of those in all namespaces and in one together (+):\n%s", diff)
	}
}

// TestChart_installs_the_objects_of_deploy finds what somebody adds to or
// changes in deploy/ and forgets here.
func TestChart_installs_the_objects_of_deploy(t *testing.T) {
	have := map[string]map[string]any{}
	for _, o := range rendered(t, "furl charts/furl --namespace furl-system --set finalizers.remove=false") {
		have[title(o)] = plain(o)
	}
	for _, o := range manifests(t) {
		if o.GetKind() == "Namespace" || strings.HasSuffix(o.GetKind(), "Role") {
			continue // Helm's --create-namespace; and compared by rights
		}
		got, ok := have[title(o)]
		if !ok {
			t.Errorf("%s of deploy/ is not in the chart", title(o))
			continue
		}
		if diff := cmp.Diff(plain(o), got); diff != "" {
			t.Errorf("%s: deploy/ (-), chart (+)\n%s", title(o), diff)
		}
		delete(have, title(o))
	}
	for name := range have {
		if !strings.Contains(name, "Role ") && !strings.HasPrefix(name, "PodDisruptionBudget ") {
			t.Errorf("%s of the chart is not in deploy/", name)
		}
	}
}

func title(o *unstructured.Unstructured) string {
	return strings.TrimSpace(o.GetKind() + " " + o.GetNamespace() + "/" + o.GetName())
}

// plain is an object without what each way of installing marks it with, and
// what the chart says aloud that is so anyway.
func plain(o *unstructured.Unstructured) map[string]any {
	o = o.DeepCopy()
	o.SetLabels(nil)
	o.SetAnnotations(nil)
	for _, at := range [][]string{
		{"spec", "selector"}, {"spec", "template", "metadata"}, {"spec", "revisionHistoryLimit"},
		{"spec", "template", "spec", "affinity"}, {"spec", "template", "spec", "enableServiceLinks"}, {"spec", "template", "spec", "dnsPolicy"},
		{"spec", "template", "spec", "automountServiceAccountToken"}, {"automountServiceAccountToken"},
	} {
		unstructured.RemoveNestedField(o.Object, at...)
	}
	containers, found, _ := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
	for _, c := range containers {
		if c, ok := c.(map[string]any); ok {
			delete(c, "imagePullPolicy")
		}
	}
	if found {
		_ = unstructured.SetNestedSlice(o.Object, containers, "spec", "template", "spec", "containers") // as it was read
	}
	return o.Object
}
