package main

import (
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/furl-dev/furl/deploy"
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

func TestChart_grants_the_rights_of_furl_install_to_a_release_for_some_namespaces(t *testing.T) {
	narrow, err := deploy.Form{Namespaces: []string{"shop", "cart"}}.Objects(manifests(t))
	if err != nil {
		t.Fatal(err)
	}
	got := grants(t, rendered(t, "furl charts/furl --namespace furl-system --set 'watchNamespace=shop\\, cart'"))
	if diff := cmp.Diff(grants(t, narrow), got); diff != "" {
		t.Errorf("rights of furl install --namespaces (-) and of the chart (+):\n%s", diff)
	}
}

func TestChart_grants_less_where_the_values_say_so(t *testing.T) {
	for _, tc := range []struct{ set, has, hasNot, why string }{
		{"permissions.operator.restrict.secret=true", `Role furl-system/furl-inputs: get "" secrets`, `ClusterRole /furl: get "" secrets`, "secrets of its own namespace only"},
		{"permissions.operator.restrict.namesAllowList={queue}", `ClusterRole /furl: get "" secrets names [queue]`, `get "" secrets names []`, "these secrets only"},
		{"rbac.enabledCustomScaledRefKinds=false", `ClusterRole /furl: update "apps" deployments/scale`, `*/scale`, "sizes of apps only"},
		{"rbac.scaledRefKinds[0].apiGroup=argoproj.io,rbac.scaledRefKinds[0].kind=Rollout", `ClusterRole /furl: update "argoproj.io" rollouts/scale`, `*/scale`, "sizes of these kinds only"},
		{"rbac.create=false", "", "furl", "somebody else makes the roles"},
	} {
		got := strings.Join(grants(t, rendered(t, "furl charts/furl --namespace furl-system --set '"+tc.set+"'")), "\n")
		if !strings.Contains(got, tc.has) || strings.Contains(got, tc.hasNot) {
			t.Errorf("%s (%s): want %q and not %q in\n%s", tc.set, tc.why, tc.has, tc.hasNot, got)
		}
	}
}

// TestChart_installs_the_objects_of_deploy finds what somebody adds to or
// changes in deploy/ and forgets here.
func TestChart_installs_the_objects_of_deploy(t *testing.T) {
	have := map[string]map[string]any{}
	for _, o := range rendered(t, "furl charts/furl --namespace furl-system --set finalizers.remove=false --set externalMetrics.register=true") {
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
		if !strings.Contains(name, "Role ") && !strings.HasPrefix(name, "Lease ") { // made here so that it goes with the release
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
		{"spec", "selector"},
		{"spec", "template", "metadata"},
		{"spec", "revisionHistoryLimit"},
		{"spec", "template", "spec", "affinity"},
		{"spec", "template", "spec", "enableServiceLinks"},
		{"spec", "template", "spec", "dnsPolicy"},
		{"spec", "template", "spec", "automountServiceAccountToken"},
		{"automountServiceAccountToken"},
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
