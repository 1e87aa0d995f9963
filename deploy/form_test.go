package deploy

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// formed are the objects of a form of the manifests of this folder.
func formed(t *testing.T, f Form) []*unstructured.Unstructured {
	t.Helper()
	manifests, err := Read(Manifests())
	if err != nil {
		t.Fatal(err)
	}
	objects, err := f.Objects(manifests)
	if err != nil {
		t.Fatal(err)
	}
	return objects
}

func find(objects []*unstructured.Unstructured, kind, name string) *unstructured.Unstructured {
	i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool { return o.GetKind() == kind && o.GetName() == name })
	if i < 0 {
		return nil
	}
	return objects[i]
}

func TestRead_puts_first_what_others_need(t *testing.T) {
	got, err := Read(fstest.MapFS{
		"20-b.yaml":     {Data: []byte("kind: B\n---\n# nothing but a comment\n---\nkind: Namespace\n")},
		"10-a.yaml":     {Data: []byte("kind: A\n")},
		"crds/c.yaml":   {Data: []byte("kind: CustomResourceDefinition\n")},
		"README.md":     {Data: []byte("kind: no manifest\n")},
		"other/no.yaml": {Data: []byte("kind: NotLookedFor\n")},
	})
	if err != nil {
		t.Fatal(err)
	}
	kinds := make([]string, 0, len(got))
	for _, o := range got {
		kinds = append(kinds, o.GetKind())
	}
	if diff := cmp.Diff([]string{"Namespace", "CustomResourceDefinition", "A", "B"}, kinds); diff != "" {
		t.Error(diff)
	}
}

func TestRead_refuses_a_folder_without_objects_and_what_is_no_YAML(t *testing.T) {
	if _, err := Read(fstest.MapFS{"README.md": {}}); err == nil {
		t.Error("there is nothing to install")
	}
	if _, err := Read(fstest.MapFS{"a.yaml": {Data: []byte("kind: [")}}); err == nil || !strings.Contains(err.Error(), "a.yaml") {
		t.Errorf("the file is not named: %v", err)
	}
}

func TestObjects_live_in_the_namespace_that_was_asked_for(t *testing.T) {
	objects := formed(t, Form{Namespace: "other", ExternalMetrics: true})
	for _, o := range objects {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), DefaultNamespace) {
			t.Errorf("%s %s still names %s", o.GetKind(), o.GetName(), DefaultNamespace)
		}
		if o.GetLabels()[LabelInstallation] != "other" {
			t.Errorf("%s %s is not labelled as part of the installation", o.GetKind(), o.GetName())
		}
	}
	if find(objects, "Namespace", "other") == nil {
		t.Error("the namespace itself is missing")
	}
}

func TestObjects_leave_the_manifests_as_they_are(t *testing.T) {
	manifests, err := Read(Manifests())
	if err != nil {
		t.Fatal(err)
	}
	before, err := json.Marshal(manifests)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (Form{Namespace: "other", Namespaces: []string{"a"}, Image: "x", Replicas: 1}).Objects(manifests); err != nil {
		t.Fatal(err)
	}
	after, err := json.Marshal(manifests)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(before), string(after)); diff != "" {
		t.Error(diff)
	}
}

func TestObjects_without_a_part_lack_that_part_only(t *testing.T) {
	names := func(f Form) []string {
		objects := formed(t, f)
		out := make([]string, 0, len(objects))
		for _, o := range objects {
			out = append(out, o.GetKind()+"/"+o.GetName())
		}
		return out
	}
	all := names(Form{})
	for part, lacks := range map[string]func(string) bool{
		PartDefinitions: func(n string) bool { return strings.HasPrefix(n, "CustomResourceDefinition/") },
		PartMetrics:     func(n string) bool { return n == "APIService/v1beta1.metrics.k8s.io" },
		PartWebhooks:    func(n string) bool { return strings.HasPrefix(n, "ValidatingWebhookConfiguration/") },
	} {
		want := slices.DeleteFunc(slices.Clone(all), lacks)
		if diff := cmp.Diff(want, names(Form{Without: []string{part}})); diff != "" {
			t.Errorf("without %s: %s", part, diff)
		}
	}
}

func TestObjects_carry_image_replicas_and_arguments(t *testing.T) {
	d := find(formed(t, Form{Image: "registry.example.com/furl:1", Replicas: 3, Namespaces: []string{"a", "b"}, Args: []string{"--hpa-controller=on"}}), "Deployment", Name)
	containers, _, err := unstructured.NestedSlice(d.Object, "spec", "template", "spec", "containers")
	if err != nil || len(containers) != 1 {
		t.Fatalf("%d containers, %v", len(containers), err)
	}
	c, _ := containers[0].(map[string]any)
	if c["image"] != "registry.example.com/furl:1" {
		t.Errorf("the image is %v", c["image"])
	}
	args, _ := c["args"].([]any)
	if diff := cmp.Diff([]any{"--watch-namespace=a,b", "--hpa-controller=on"}, args[len(args)-2:]); diff != "" {
		t.Error(diff)
	}
	if n, _, _ := unstructured.NestedInt64(d.Object, "spec", "replicas"); n != 3 {
		t.Errorf("%d replicas, want 3", n)
	}
}

// granted are the rights of a role, one a line.
func granted(t *testing.T, o *unstructured.Unstructured) []string {
	t.Helper()
	var rules struct {
		Rules []struct {
			APIGroups, Resources, ResourceNames, Verbs []string
		}
	}
	raw, err := o.MarshalJSON()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &rules); err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range rules.Rules {
		for _, g := range r.APIGroups {
			for _, s := range r.Resources {
				for _, v := range r.Verbs {
					out = append(out, strings.Join([]string{g, s, strings.Join(r.ResourceNames, "|"), v}, " "))
				}
			}
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// TestNamespaces_get_all_rights_but_those_that_no_Role_can_give holds the
// promise of the form: together the same rights, and cluster-wide only what
// has no namespace.
func TestNamespaces_get_all_rights_but_those_that_no_Role_can_give(t *testing.T) {
	whole := granted(t, find(formed(t, Form{}), "ClusterRole", Name))
	objects := formed(t, Form{Namespaces: []string{"shop", "pay"}})
	wide := granted(t, find(objects, "ClusterRole", Name))
	for _, r := range wide {
		if !clusterWide(strings.Split(r, " ")[1]) {
			t.Errorf("the right %q is in a namespace, and cluster-wide", r)
		}
	}
	for _, namespace := range []string{"shop", "pay"} {
		i := slices.IndexFunc(objects, func(o *unstructured.Unstructured) bool {
			return o.GetKind() == "Role" && o.GetNamespace() == namespace
		})
		if i < 0 {
			t.Fatalf("no Role is in %s", namespace)
		}
		both := slices.Concat(wide, granted(t, objects[i]))
		slices.Sort(both)
		if diff := cmp.Diff(whole, both); diff != "" {
			t.Errorf("in %s: %s", namespace, diff)
		}
		if !slices.ContainsFunc(objects, func(o *unstructured.Unstructured) bool {
			return o.GetKind() == "RoleBinding" && o.GetNamespace() == namespace
		}) {
			t.Errorf("nobody has the Role in %s", namespace)
		}
	}
	own := slices.DeleteFunc(slices.Clone(objects), func(o *unstructured.Unstructured) bool {
		return o.GetKind() != "Role" || o.GetName() != inputsRole
	})
	if len(own) != 1 || own[0].GetNamespace() != DefaultNamespace {
		t.Fatalf("roles for secrets of Furl's own namespace: %d", len(own))
	}
	if diff := cmp.Diff([]string{
		" configmaps  get", " configmaps  list", " configmaps  watch", " configmaps furl-freeze list", " configmaps furl-freeze watch",
		" secrets  get", " secrets  list", " secrets  watch",
	}, granted(t, own[0])); diff != "" {
		t.Error(diff)
	}
}

// TestEveryResource_is_known_to_be_in_a_namespace_or_not makes whoever adds a
// rule say which: a resource that narrow takes for a namespaced one by mistake
// would be granted in vain.
func TestEveryResource_is_known_to_be_in_a_namespace_or_not(t *testing.T) {
	within := []string{
		"*", "*/scale", "configmaps", "deployments", "endpointslices", "events", "horizontalpodautoscalers", "horizontalpodautoscalers/status", "leases", "limitranges",
		"pods", "replicasets", "replicationcontrollers", "scaledjobs", "scaledjobs/status", "scaledobjects", "scaledobjects/finalizers", "scaledobjects/status",
		"secrets", "serviceaccounts", "statefulsets", "triggerauthentications", "triggerauthentications/status",
	}
	for _, r := range granted(t, find(formed(t, Form{}), "ClusterRole", Name)) {
		if resource := strings.Split(r, " ")[1]; !clusterWide(resource) && !slices.Contains(within, resource) {
			t.Errorf("is %s in a namespace? Say so here, or in clusterWide", resource)
		}
	}
}

func TestNamespaces_hold_webhooks_to_themselves(t *testing.T) {
	hook := &unstructured.Unstructured{Object: map[string]any{
		"kind": KindWebhooks, "metadata": map[string]any{"name": "x"},
		"webhooks": []any{map[string]any{"name": "a", "namespaceSelector": map[string]any{"matchExpressions": []any{
			map[string]any{"key": "k", "operator": "DoesNotExist"},
		}}}, map[string]any{"name": "b"}},
	}}
	got, err := Form{Namespaces: []string{"shop"}}.Objects([]*unstructured.Unstructured{hook})
	if err != nil {
		t.Fatal(err)
	}
	only := map[string]any{"key": "kubernetes.io/metadata.name", "operator": "In", "values": []any{"shop"}}
	want := []any{
		map[string]any{"name": "a", "namespaceSelector": map[string]any{"matchExpressions": []any{map[string]any{"key": "k", "operator": "DoesNotExist"}, only}}},
		map[string]any{"name": "b", "namespaceSelector": map[string]any{"matchExpressions": []any{only}}},
	}
	if diff := cmp.Diff(want, got[0].Object["webhooks"]); diff != "" {
		t.Error(diff)
	}
}

func TestValidate_names_the_flag(t *testing.T) {
	for flag, f := range map[string]Form{
		"--namespace":  {Namespace: "A_b"},
		"--replicas":   {Replicas: -1},
		"--namespaces": {Namespaces: []string{"ok", "not ok"}},
		"--without":    {Without: []string{"rbac"}},
	} {
		if err := f.Validate(); err == nil || !strings.Contains(err.Error(), flag+" ") {
			t.Errorf("%+v is refused with %v, which does not name %s", f, err, flag)
		}
	}
}

func TestObserve_has_no_right_to_write_a_size_or_a_status(t *testing.T) {
	for _, f := range []Form{{Observe: true}, {Observe: true, Namespaces: []string{"shop"}}} {
		objects := formed(t, f)
		rights := 0
		for _, o := range objects {
			if o.GetKind() != "ClusterRole" && o.GetName() != workloadsRole || o.GetKind() == "RoleBinding" {
				continue
			}
			rules, _, err := unstructured.NestedSlice(o.Object, "rules")
			if err != nil {
				t.Fatal(err)
			}
			for _, one := range rules {
				rule, _ := one.(map[string]any)
				resources, _, _ := unstructured.NestedStringSlice(rule, "resources")
				verbs, _, _ := unstructured.NestedStringSlice(rule, "verbs")
				for _, verb := range verbs {
					rights++
					reads := slices.Contains([]string{"get", "list", "watch"}, verb)
					if !reads && !slices.Contains([]string{"events", "apiservices", "validatingwebhookconfigurations"}, resources[0]) {
						t.Errorf("%s %s (namespaces %v) may %s %v", o.GetKind(), o.GetName(), f.Namespaces, verb, resources)
					}
				}
			}
		}
		if rights < 20 {
			t.Errorf("%d rights (namespaces %v): Furl cannot see what to decide on", rights, f.Namespaces)
		}
		if raw, err := json.Marshal(find(objects, "Deployment", Name)); err != nil || !strings.Contains(string(raw), `"--mode=observe"`) {
			t.Errorf("the operator is not told to observe: %s (%v)", raw, err)
		}
	}
}

func TestWithout_webhooks_no_port_is_open_for_them(t *testing.T) {
	for _, o := range formed(t, Form{Without: []string{PartWebhooks}}) {
		raw, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(raw), "9443") || strings.Contains(string(raw), `"targetPort":"webhooks"`) {
			t.Errorf("%s %s has the webhooks' port: %s", o.GetKind(), o.GetName(), raw)
		}
		if o.GetKind() == "Deployment" && !strings.Contains(string(raw), `"--webhook-bind-address="`) {
			t.Errorf("the operator listens for webhooks: %s", raw)
		}
	}
}
