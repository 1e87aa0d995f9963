package deploy

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// observing takes from a role what would change a workload or an object of a
// user. What Furl tells (events) and whom the API server trusts stay.
func observing(role *unstructured.Unstructured) error {
	rules, _, err := unstructured.NestedSlice(role.Object, "rules")
	if err != nil {
		return err
	}
	var kept []any
	for _, one := range rules {
		rule, ok := one.(map[string]any)
		if !ok {
			return fmt.Errorf("a rule is %T", one)
		}
		if rule = reading(rule); rule != nil {
			kept = append(kept, rule)
		}
	}
	return unstructured.SetNestedSlice(role.Object, kept, "rules")
}

// reading is what is left of a rule without writing; nil where that is nothing.
func reading(rule map[string]any) map[string]any {
	resources, _ := rule["resources"].([]any)
	stays := func(r any) bool {
		return slices.Contains([]any{"events", "apiservices", "validatingwebhookconfigurations"}, r)
	}
	if slices.ContainsFunc(resources, stays) {
		return rule
	}
	verbs, _ := rule["verbs"].([]any)
	var reads []any
	for _, v := range verbs {
		if slices.Contains([]any{"get", "list", "watch"}, v) {
			reads = append(reads, v)
		}
	}
	if len(reads) == 0 {
		return nil
	}
	out := maps.Clone(rule)
	out["verbs"] = reads
	return out
}
