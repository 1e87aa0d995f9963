package metricsapi

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strings"

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

// fromJSON follows a path of GJSON. Like KEDA it forgives a NaN elsewhere in the
// answer, and lines of JSON where the path asks for them, but not an answer that is cut off.
func fromJSON(body []byte, path string) (float64, error) {
	if !strings.HasPrefix(path, "..") && !isWhole(body) {
		return 0, errors.New("the answer is no JSON, or only a part of it")
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

// isWhole tells an object or a list that ends, or any JSON that is valid.
func isWhole(body []byte) bool {
	body = bytes.TrimSpace(body)
	if len(body) < 2 {
		return json.Valid(body)
	}
	switch body[0] {
	case '{':
		return body[len(body)-1] == '}'
	case '[':
		return body[len(body)-1] == ']'
	}
	return json.Valid(body)
}
