package metricsapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"

	"github.com/tidwall/gjson"
	"go.yaml.in/yaml/v3"
)

// number reads the value at a location of an answer in one of the four formats.
func number(body []byte, location, format string) (float64, error) {
	n, err := unchecked(body, location, format)
	if err != nil {
		return 0, err
	}
	if math.IsNaN(n) || math.IsInf(n, 0) {
		return 0, fmt.Errorf("valueLocation %q leads to %v: want a number", location, n)
	}
	return n, nil
}

func unchecked(body []byte, location, format string) (float64, error) {
	switch format {
	case "prometheus":
		return fromPrometheus(body, location)
	case "xml":
		tree, err := parseXML(body)
		if err != nil {
			return 0, fmt.Errorf("the answer is no XML: %w", err)
		}
		return walk(tree, location)
	case "yaml":
		var tree any
		if err := yaml.Unmarshal(body, &tree); err != nil {
			return 0, errors.New("the answer is no YAML")
		}
		return walk(tree, location)
	}
	return fromJSON(body, location)
}

// fromJSON follows a path of GJSON.
func fromJSON(body []byte, path string) (float64, error) {
	if !json.Valid(body) {
		return 0, errors.New("the answer is no JSON")
	}
	switch r := gjson.GetBytes(body, path); r.Type {
	case gjson.Number:
		return r.Num, nil
	case gjson.String:
		return numberAt(r.Str, path)
	case gjson.Null:
		if !r.Exists() {
			return 0, fmt.Errorf("valueLocation %q: the answer has nothing there", path)
		}
	case gjson.False, gjson.True, gjson.JSON:
		return numberAt(r.Value(), path)
	}
	return numberAt(nil, path)
}
