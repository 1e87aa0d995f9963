package page

import (
	"encoding/json"
	"slices"

	"github.com/furl-dev/furl/trigger"
)

// schema is the part of JSON Schema (2020-12) that is used.
type schema struct {
	Schema      string             `json:"$schema,omitempty"`
	ID          string             `json:"$id,omitempty"`
	Title       string             `json:"title,omitempty"`
	Description string             `json:"description,omitempty"`
	Type        string             `json:"type,omitempty"`
	Properties  map[string]*schema `json:"properties,omitempty"`
	Required    []string           `json:"required,omitempty"`
	Additional  any                `json:"additionalProperties,omitempty"`
	Default     string             `json:"default,omitempty"`
	Enum        []string           `json:"enum,omitempty"`
	Pattern     string             `json:"pattern,omitempty"`
	Deprecated  bool               `json:"deprecated,omitempty"`
	Not         *struct{}          `json:"not,omitempty"`
}

// Schema is a JSON schema of a kind's metadata, whose values are all strings.
// What Furl warns of, such as an unknown key, an editor shows as wrong.
func Schema(k trigger.Kind) ([]byte, error) {
	s := schema{
		Schema: "https://json-schema.org/draft/2020-12/schema", ID: "urn:furl:trigger:" + k.Name,
		Title: k.Name, Description: k.Summary, Type: "object", Properties: map[string]*schema{}, Additional: false,
	}
	if k.AnyKey {
		s.Additional = schema{Type: "string"}
	}
	for _, f := range k.Fields {
		s.add(f)
	}
	return json.MarshalIndent(s, "", "  ")
}

func (s *schema) add(f trigger.Field) {
	for _, name := range append([]string{f.Name}, f.Aliases...) {
		if slices.Contains(f.From, "meta") {
			s.Properties[name] = property(f)
		}
		if slices.Contains(f.From, "env") {
			s.Properties[name+"FromEnv"] = &schema{Type: "string", Description: "variable of the scaled container with " + f.Name + ": " + f.Doc}
		}
	}
	if f.Required && len(f.Aliases) == 0 && slices.Equal(f.From, []string{"meta"}) {
		s.Required = append(s.Required, f.Name)
	}
}

func property(f trigger.Field) *schema {
	p := &schema{Type: "string", Description: Meaning(f), Default: f.Default, Deprecated: f.Announce != ""}
	if f.Deprecated != "" {
		p.Deprecated, p.Not = true, &struct{}{}
		return p
	}
	switch f.Type {
	case "string":
		p.Enum = f.Enum
	case "int":
		p.Pattern = `^\s*(-?(0|[1-9][0-9]*))?\s*$`
	case "float":
		p.Pattern = `^\s*(-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?)?\s*$`
	case "bool":
		p.Enum = []string{"true", "false", "True", "False", "TRUE", "FALSE", "t", "f", "T", "F", "1", "0", ""}
	}
	return p
}
