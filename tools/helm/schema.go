package main

import (
	"encoding/json"
	"fmt"
	"strings"
)

// object is a part of a JSON schema.
type object = map[string]any

// closed lists the values that a key may have, where they are few.
func closed() map[string][]string {
	return map[string][]string{
		"image.pullPolicy":         {"Always", "IfNotPresent", "Never"},
		"hpaController":            {"auto", "on", "off"},
		"scaledObjects":            {"on", "off"},
		"resourceMetrics.register": {"auto", "always", "never"},
		"resourceMetrics.source":   {"self", "api"},
		"logging.operator.format":  {"console", "text", "json"},
		"actuation":                {"direct", "hpa"},
		"webhooks.failurePolicy":   {"Ignore", "Fail"},
		"service.minTlsVersion":    {"TLS12", "TLS13"},
	}
}

// schema is values.schema.json: the keys of values.yaml with their types, the
// keys of KEDA's chart that have no effect here with any, and no others.
func schema(values *value, extra []without) ([]byte, error) {
	top := schemaOf(values, "")
	top["$schema"] = "https://json-schema.org/draft-07/schema#"
	top["title"] = "Values of the chart furl"
	for _, w := range extra {
		if err := allow(top, strings.Split(w.key, "."), w); err != nil {
			return nil, err
		}
	}
	// What Helm itself puts there for a chart that is a part of another.
	raw, err := json.MarshalIndent(top, "", "  ")
	return append(raw, '\n'), err
}

func schemaOf(v *value, path string) object {
	s := object{}
	if v.doc != "" {
		s["description"] = v.doc
	}
	if len(v.types) == 1 {
		s["type"] = v.types[0]
	} else {
		s["type"] = v.types
	}
	if words, ok := closed()[path]; ok {
		s["enum"] = words
	}
	if v.keys == nil {
		return s
	}
	properties := object{}
	for _, key := range v.keys {
		properties[key.name] = schemaOf(key, strings.TrimPrefix(path+"."+key.name, "."))
	}
	s["properties"], s["additionalProperties"] = properties, false
	return s
}

// allow adds a key without effect.
func allow(s object, path []string, w without) error {
	properties, ok := s["properties"].(object)
	if !ok {
		return fmt.Errorf("keda-values.yaml: %s is below a key that takes any: leave it out", w.key)
	}
	next, known := properties[path[0]].(object)
	if len(path) == 1 {
		if known {
			return fmt.Errorf("keda-values.yaml: %s has a meaning in values.yaml: leave it out of one", w.key)
		}
		properties[path[0]] = object{"description": "No effect: " + w.reason + "."}
		return nil
	}
	if !known {
		next = object{"type": "object", "properties": object{}, "additionalProperties": false}
		properties[path[0]] = next
	}
	return allow(next, path[1:], w)
}
