package keda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/furl-dev/furl/deploy/crds"
	"github.com/google/cel-go/cel"
	"k8s.io/kube-openapi/pkg/validation/spec"
	"k8s.io/kube-openapi/pkg/validation/strfmt"
	"k8s.io/kube-openapi/pkg/validation/validate"
	"sigs.k8s.io/yaml"
)

// schemaViolations are what an API server would refuse about an object by the
// definitions that Furl installs, before it asks a webhook.
func schemaViolations(kind string, object json.RawMessage) ([]string, error) {
	raw, err := definition(kind)
	if err != nil {
		return nil, err
	}
	var s spec.Schema
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, fmt.Errorf("definition of %s: %w", kind, err)
	}
	var v, rules map[string]any
	if err := errors.Join(json.Unmarshal(object, &v), json.Unmarshal(raw, &rules)); err != nil {
		return nil, fmt.Errorf("object of kind %s: %w", kind, err)
	}
	dropNulls(v)
	var out []string
	for _, e := range validate.NewSchemaValidator(&s, nil, "", strfmt.Default).Validate(v).Errors {
		out = append(out, e.Error())
	}
	if len(out) > 0 {
		return out, nil // as the API server: rules are asked of what has the right shape
	}
	return ruleViolations(rules, v)
}

// definition is the schema of the first version of a kind.
func definition(kind string) (json.RawMessage, error) {
	raw, err := crds.Read(strings.ToLower(kind) + "s")
	if err != nil {
		return nil, err
	}
	var d struct {
		Spec struct {
			Versions []struct {
				Schema struct {
					Root json.RawMessage `json:"openAPIV3Schema"`
				} `json:"schema"`
			} `json:"versions"`
		} `json:"spec"`
	}
	if err := yaml.Unmarshal(raw, &d); err != nil {
		return nil, fmt.Errorf("definition of %s: %w", kind, err)
	}
	if len(d.Spec.Versions) == 0 {
		return nil, fmt.Errorf("definition of %s has no version", kind)
	}
	return d.Spec.Versions[0].Schema.Root, nil
}

// dropNulls takes out what is null: an API server prunes it.
func dropNulls(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			if x == nil {
				delete(v, k)
				continue
			}
			dropNulls(x)
		}
	case []any:
		for _, x := range v {
			dropNulls(x)
		}
	}
}

// ruleViolations evaluates the rules that stand in a schema, from the outside in.
func ruleViolations(schema map[string]any, v any) ([]string, error) {
	var out []string
	rules, _ := schema["x-kubernetes-validations"].([]any)
	for _, one := range rules {
		r, _ := one.(map[string]any)
		holds, err := holds(fmt.Sprint(r["rule"]), v)
		if err != nil {
			return nil, err
		}
		if !holds {
			out = append(out, fmt.Sprint(r["message"]))
		}
	}
	properties, _ := schema["properties"].(map[string]any)
	fields, _ := v.(map[string]any)
	for name, inner := range properties {
		s, isSchema := inner.(map[string]any)
		value, given := fields[name]
		if !isSchema || !given {
			continue
		}
		more, err := ruleViolations(s, value)
		if err != nil {
			return nil, fmt.Errorf("%s.%w", name, err)
		}
		out = append(out, more...)
	}
	return out, nil
}

func holds(rule string, self any) (bool, error) {
	env, err := cel.NewEnv(cel.Variable("self", cel.DynType), cel.CrossTypeNumericComparisons(true))
	if err != nil {
		return false, err
	}
	ast, issues := env.Compile(strings.TrimSpace(rule))
	if issues.Err() != nil {
		return false, fmt.Errorf("rule %q: %w", rule, issues.Err())
	}
	program, err := env.Program(ast)
	if err != nil {
		return false, fmt.Errorf("rule %q: %w", rule, err)
	}
	result, _, err := program.Eval(map[string]any{"self": self})
	if err != nil {
		return false, fmt.Errorf("rule %q: %w", rule, err)
	}
	is, _ := result.Value().(bool)
	return is, nil
}
