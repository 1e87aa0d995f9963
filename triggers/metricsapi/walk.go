package metricsapi

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/furl-dev/furl/triggers/internal/quantity"
)

// walk follows a path of keys and list indexes, with dots between, to a number.
func walk(tree any, path string) (float64, error) {
	for key := range strings.SplitSeq(path, ".") {
		child, isLeaf, err := step(tree, key)
		if err != nil {
			return 0, fmt.Errorf("valueLocation %q: %w", path, err)
		}
		if isLeaf {
			break
		}
		tree = child
	}
	return numberAt(tree, path)
}

// step goes one key down; a leaf is as far as a path goes, as in KEDA.
func step(tree any, key string) (child any, isLeaf bool, err error) {
	found := false
	switch node := tree.(type) {
	case map[string]any:
		child, found = node[key]
	case map[any]any:
		for k, v := range node {
			if fmt.Sprint(k) == key {
				child, found = v, true
			}
		}
	case []any:
		i, err := strconv.Atoi(key)
		if found = err == nil && i >= 0 && i < len(node); found {
			child = node[i]
		}
	default:
		return nil, true, nil
	}
	if !found {
		return nil, false, fmt.Errorf("the answer has no %q there", key)
	}
	return child, false, nil
}

// numberAt reads what a path led to: a number, or a text that is a quantity.
func numberAt(leaf any, path string) (float64, error) {
	switch v := leaf.(type) {
	case int:
		return float64(v), nil
	case int64:
		return float64(v), nil
	case uint64:
		return float64(v), nil
	case float64:
		return v, nil
	case string:
		n, err := quantity.Parse(v)
		if err != nil {
			return 0, fmt.Errorf("valueLocation %q leads to a text that is no quantity such as 12, 1.5 or 10Mi", path)
		}
		return n, nil
	}
	return 0, fmt.Errorf("valueLocation %q leads to %s: want a number or a quantity", path, describe(leaf))
}

func describe(leaf any) string {
	switch leaf.(type) {
	case nil:
		return "nothing"
	case bool:
		return "true or false"
	case []any:
		return "a list"
	case map[string]any, map[any]any:
		return "an object"
	}
	return fmt.Sprintf("a %T", leaf)
}
