// Package same says where two values differ once both are JSON.
package same

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// Differences compares two values as JSON and says where they differ.
func Differences(path string, want, got any) []string {
	w, err := Plain(want)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	g, err := Plain(got)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", path, err)}
	}
	return unlike(path, w, g)
}

// Plain turns a value into maps, lists and scalars, with numbers as written.
func Plain(v any) (any, error) {
	b, ok := v.(json.RawMessage)
	if !ok {
		var err error
		if b, err = json.Marshal(v); err != nil {
			return nil, err
		}
	}
	var out any
	err := Decode(b, &out)
	return out, err
}

// Decode reads JSON and keeps numbers as they are written.
func Decode(b json.RawMessage, to any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return d.Decode(to)
}

func unlike(path string, want, got any) []string {
	switch w := want.(type) {
	case map[string]any:
		if g, ok := got.(map[string]any); ok {
			return unlikeMaps(path, w, g)
		}
	case []any:
		if g, ok := got.([]any); ok {
			return unlikeLists(path, w, g)
		}
	default:
		if want == got {
			return nil
		}
	}
	return []string{fmt.Sprintf("%s: want %s, got %s", path, written(want), written(got))}
}

func unlikeMaps(path string, w, g map[string]any) []string {
	keys := map[string]bool{}
	for k := range w {
		keys[k] = true
	}
	for k := range g {
		keys[k] = true
	}
	var out []string
	for _, k := range slices.Sorted(maps.Keys(keys)) {
		_, wanted := w[k]
		_, given := g[k]
		switch at := path + "." + k; {
		case !wanted:
			out = append(out, fmt.Sprintf("%s: want none, got %s", at, written(g[k])))
		case !given:
			out = append(out, fmt.Sprintf("%s: want %s, got none", at, written(w[k])))
		default:
			out = append(out, unlike(at, w[k], g[k])...)
		}
	}
	return out
}

func unlikeLists(path string, w, g []any) []string {
	if len(w) != len(g) {
		return []string{fmt.Sprintf("%s: want %s, got %s", path, written(w), written(g))}
	}
	var out []string
	for i := range w {
		out = append(out, unlike(fmt.Sprintf("%s[%d]", path, i), w[i], g[i])...)
	}
	return out
}

func written(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(b)
}
