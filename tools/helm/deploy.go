package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"

	utilyaml "k8s.io/apimachinery/pkg/util/yaml"
	"sigs.k8s.io/yaml"
)

// role is what of a Role or ClusterRole matters here.
type role struct {
	Kind     string `json:"kind"`
	Metadata struct {
		Name   string            `json:"name"`
		Labels map[string]string `json:"labels"`
	} `json:"metadata"`
	Rules []rule `json:"rules"`
}

// rule is one rule of it.
type rule struct {
	APIGroups       []string `json:"apiGroups,omitempty"`
	Resources       []string `json:"resources,omitempty"`
	ResourceNames   []string `json:"resourceNames,omitempty"`
	NonResourceURLs []string `json:"nonResourceURLs,omitempty"`
	Verbs           []string `json:"verbs"`
}

// rules are the rights of deploy/20-roles.yaml, parted by what the values may
// grant otherwise. The right to scale is the template's own.
type rules struct {
	// ClusterWide are rights on what is in no namespace.
	ClusterWide []rule `json:"clusterWide"`
	// Namespaced are those on what is in one.
	Namespaced []rule `json:"namespaced"`
	// Secrets is the right to read secrets.
	Secrets []rule `json:"secrets"`
	// Inputs are those of Namespaced that Furl has in its own namespace, too,
	// where it serves only some.
	Inputs []rule `json:"inputs"`
	// Own are those in Furl's namespace, by the role's name.
	Own map[string][]rule `json:"own"`
	// Readers are those of the people who use Furl, by the role's name.
	Readers map[string][]rule `json:"readers"`
}

// made stands at the top of every generated YAML file.
const made = "# Made from deploy/ by tools/helm (make generate); the reasons are there.\n"

// operatorRole is the ClusterRole of Furl's account.
const operatorRole = "furl"

// fromDeploy adds what the chart takes from the install manifests as it is.
func fromDeploy(dir string, files map[string][]byte) error {
	roles, err := documents[role](filepath.Join(dir, "20-roles.yaml"))
	if err != nil {
		return err
	}
	parted, err := part(roles)
	if err != nil {
		return fmt.Errorf("20-roles.yaml: %w", err)
	}
	if files["files/rules.yaml"], err = marshal(parted); err != nil {
		return err
	}
	policies, err := documents[map[string]any](filepath.Join(dir, "60-pods.yaml"))
	if err != nil {
		return err
	}
	if files["files/pods.yaml"], err = marshal(policies[0]); err != nil {
		return err
	}
	hooks, err := documents[map[string]any](filepath.Join(dir, "70-webhooks.yaml"))
	if err != nil {
		return err
	}
	if files["files/webhooks.yaml"], err = marshal(hooks[0]); err != nil {
		return err
	}
	kinds, err := filepath.Glob(filepath.Join(dir, "crds", "*.yaml"))
	if err != nil {
		return err
	}
	for _, kind := range kinds {
		raw, err := os.ReadFile(kind) //nolint:gosec // the repository's own
		if err != nil {
			return err
		}
		files["files/crds/"+filepath.Base(kind)] = append([]byte(made), raw...)
	}
	return nil
}

// documents reads the documents of a file.
func documents[T any](path string) ([]T, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the repository's own
	if err != nil {
		return nil, err
	}
	var all []T
	for decoder := utilyaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096); ; {
		var one T
		err := decoder.Decode(&one)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		all = append(all, one)
	}
}

// part sorts the rules of deploy/ by who gets them where.
func part(roles []role) (rules, error) {
	r := rules{Own: map[string][]rule{}, Readers: map[string][]rule{}}
	scales := false
	for _, one := range roles {
		switch {
		case one.Kind == "ClusterRole" && one.Metadata.Name == operatorRole:
			for _, rule := range one.Rules {
				scales = scales || slices.Contains(rule.Resources, anyScale)
				r.add(rule)
			}
		case one.Kind == "ClusterRole" && one.Metadata.Labels["rbac.authorization.k8s.io/aggregate-to-view"] == "true":
			r.Readers[one.Metadata.Name] = one.Rules
		case one.Kind == "Role":
			r.Own[one.Metadata.Name] = one.Rules
		default:
			return r, fmt.Errorf("the chart has no place for %s %s: give it one in tools/helm and in charts/furl/templates/rbac.yaml", one.Kind, one.Metadata.Name)
		}
	}
	if !scales {
		return r, fmt.Errorf("ClusterRole %s has no rule for %s, which the chart grants by itself", operatorRole, anyScale)
	}
	return r, nil
}

// anyScale is the size of anything.
const anyScale = "*/scale"

// add puts each resource of a rule where it belongs.
func (r *rules) add(from rule) {
	for _, place := range []struct {
		to     *[]rule
		wanted func(resource string) bool
	}{
		{&r.ClusterWide, clusterWide},
		{&r.Secrets, func(s string) bool { return s == "secrets" }},
		{&r.Inputs, func(s string) bool { return s == "configmaps" }},
		{&r.Namespaced, func(s string) bool { return !clusterWide(s) && s != "secrets" && s != anyScale }},
	} {
		cut := from
		cut.Resources = slices.DeleteFunc(slices.Clone(from.Resources), func(s string) bool { return !place.wanted(s) })
		if len(cut.Resources) > 0 {
			*place.to = append(*place.to, cut)
		}
	}
}

// clusterWide tells whether a resource is in no namespace.
func clusterWide(resource string) bool {
	return slices.Contains([]string{
		"nodes", "nodes/metrics", "namespaces",
		"clustertriggerauthentications", "clustertriggerauthentications/status",
		"apiservices", "apiservices/status", "validatingwebhookconfigurations", "customresourcedefinitions",
	}, resource)
}

func marshal(v any) ([]byte, error) {
	raw, err := yaml.Marshal(v)
	return append([]byte(made), raw...), err
}
