package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/triggertest/declared"
)

// replayDeclared lets Furl's parser read what KEDA's declarations and sources say.
func replayDeclared(_ context.Context, r Record, _ Options) ([]string, error) {
	type input struct {
		Fields   []declared.Field  `json:"fields"`
		Metadata map[string]string `json:"trigger_metadata"`
		Auth     map[string]string `json:"auth_params"`
		Env      map[string]string `json:"resolved_env"`
		Type     string            `json:"trigger_type"`
	}
	type expected struct {
		Error  *string         `json:"error"`
		Values json.RawMessage `json:"values_by_parameter"`
	}
	// By the names of KEDA's struct fields the same values are told once more.
	in, exp, err := into[input, expected](r, "error", "values_by_parameter", "values_by_go_field")
	if err != nil {
		return nil, err
	}
	kind, err := declared.Kind(in.Type, in.Fields)
	if err != nil {
		return nil, err
	}
	c, refused := kind.Decode(trigger.Input{Metadata: in.Metadata, Auth: in.Auth, Env: in.Env})
	d, made := refusal("error", exp.Error != nil, refused)
	if !made {
		if _, names := errors.AsType[*trigger.FieldError](refused); refused != nil && !names {
			d = append(d, fmt.Sprintf("error: it names no setting: %v", refused))
		}
		return d, nil
	}
	return append(d, same.Differences("values_by_parameter", exp.Values, declared.Values(c))...), nil
}
