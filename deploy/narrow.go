package deploy

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// The names of what only the form for some namespaces has.
const (
	workloadsRole = "furl-workloads"
	inputsRole    = "furl-inputs"
)

// clusterWide tells whether a resource is in no namespace, so that only a
// ClusterRole can grant it.
func clusterWide(resource string) bool {
	return slices.Contains([]string{
		"nodes", "nodes/metrics", "namespaces",
		"clustertriggerauthentications", "clustertriggerauthentications/status",
		"apiservices", "validatingwebhookconfigurations", "customresourcedefinitions",
	}, resource)
}

// narrow splits the ClusterRole: what is in no namespace stays in it, the rest
// becomes a Role, with its binding, in each of the namespaces. In
// Furl's own namespace it may read what it finds there for all of them: the
// secrets of a ClusterTriggerAuthentication, and the order to freeze.
func (f Form) narrow(role *unstructured.Unstructured) ([]*unstructured.Unstructured, error) {
	rules, _, err := unstructured.NestedSlice(role.Object, "rules")
	if err != nil {
		return nil, err
	}
	var wide, within, inputs []any
	for _, one := range rules {
		rule, ok := one.(map[string]any)
		if !ok {
			return nil, fmt.Errorf("a rule is %T", one)
		}
		wide = append(wide, cut(rule, clusterWide)...)
		within = append(within, cut(rule, func(r string) bool { return !clusterWide(r) })...)
		inputs = append(inputs, cut(rule, func(r string) bool { return r == "secrets" || r == "configmaps" })...)
	}
	if err := unstructured.SetNestedSlice(role.Object, wide, "rules"); err != nil {
		return nil, err
	}
	out := []*unstructured.Unstructured{role}
	for _, n := range f.Namespaces {
		out = append(out, f.granted(workloadsRole, n, within)...)
	}
	if !slices.Contains(f.Namespaces, f.own()) {
		out = append(out, f.granted(inputsRole, f.own(), inputs)...)
	}
	return out, nil
}

// cut is a rule for those of its resources that are wanted; nothing where it has none of them.
func cut(rule map[string]any, wanted func(resource string) bool) []any {
	resources, _ := rule["resources"].([]any)
	var kept []any
	for _, one := range resources {
		if r, ok := one.(string); ok && wanted(r) {
			kept = append(kept, r)
		}
	}
	if len(kept) == 0 {
		return nil
	}
	out := maps.Clone(rule)
	out["resources"] = kept
	return []any{out}
}

// granted is a Role with these rules and its binding to Furl's account.
func (f Form) granted(name, namespace string, rules []any) []*unstructured.Unstructured {
	const group = "rbac.authorization.k8s.io"
	meta := func() map[string]any {
		return map[string]any{
			"name": name, "namespace": namespace, "labels": map[string]any{"app.kubernetes.io/name": Name},
		}
	}
	own := runtime.DeepCopyJSONValue(rules)
	return []*unstructured.Unstructured{
		{Object: map[string]any{"apiVersion": group + "/v1", "kind": "Role", "metadata": meta(), "rules": own}},
		{Object: map[string]any{
			"apiVersion": group + "/v1", "kind": "RoleBinding", "metadata": meta(),
			"roleRef":  map[string]any{"apiGroup": group, "kind": "Role", "name": name},
			"subjects": []any{map[string]any{"kind": "ServiceAccount", "name": Name, "namespace": f.own()}},
		}},
	}
}

// selected holds the webhooks to objects of the namespaces that Furl serves.
func (f Form) selected(o *unstructured.Unstructured) error {
	hooks, _, err := unstructured.NestedSlice(o.Object, "webhooks")
	if err != nil {
		return err
	}
	values := make([]any, len(f.Namespaces))
	for i, n := range f.Namespaces {
		values[i] = n
	}
	for _, one := range hooks {
		hook, ok := one.(map[string]any)
		if !ok {
			return fmt.Errorf("a webhook is %T", one)
		}
		expressions, _, err := unstructured.NestedSlice(hook, "namespaceSelector", "matchExpressions")
		if err != nil {
			return err
		}
		expressions = append(expressions, map[string]any{"key": "kubernetes.io/metadata.name", "operator": "In", "values": values})
		if err := unstructured.SetNestedSlice(hook, expressions, "namespaceSelector", "matchExpressions"); err != nil {
			return err
		}
	}
	return unstructured.SetNestedSlice(o.Object, hooks, "webhooks")
}
