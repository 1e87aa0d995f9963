package main

import (
	"fmt"
	"os"
	"strings"

	"go.yaml.in/yaml/v3"
)

// value is a key of values.yaml.
type value struct {
	name string
	// doc is the comment of two dashes, or that of the key above.
	doc string
	// types are those of JSON schema that it may have.
	types []string
	// keys are the only ones below it; nil where it is no object or takes any.
	keys []*value
	// standard is what it is where nobody says otherwise.
	standard *yaml.Node
}

// The words in comments that the schema takes its hints from.
const (
	docMark  = "# -- "
	openMark = "@open" // an object that takes any key, though it has some
	typeMark = "@type" // types, comma separated, where the standard value does not tell
)

// readValues reads values.yaml: its keys, comments and values.
func readValues(path string) (*value, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the repository's own
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	root := &value{types: []string{"object"}, standard: document.Content[0]}
	if err := root.below(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return root, nil
}

// below reads the keys of an object.
func (v *value) below() error {
	for i := 0; i < len(v.standard.Content); i += 2 {
		key, node := v.standard.Content[i], v.standard.Content[i+1]
		child := &value{name: key.Value, standard: node, doc: v.doc, types: []string{typeOf(node)}}
		open := child.hear(key.HeadComment)
		if child.types[0] == "object" && !open && len(node.Content) > 0 {
			if err := child.below(); err != nil {
				return err
			}
		}
		if child.doc == "" && child.keys == nil {
			return fmt.Errorf("line %d: key %s has no documentation: write it in a comment above, after two dashes", key.Line, key.Value)
		}
		v.keys = append(v.keys, child)
	}
	return nil
}

// hear takes documentation and hints from a comment.
func (v *value) hear(comment string) (open bool) {
	for line := range strings.SplitSeq(comment, "\n") {
		if doc, ok := strings.CutPrefix(line, docMark); ok {
			v.doc = doc
		}
		open = open || strings.Contains(line, openMark)
		if _, types, ok := strings.Cut(line, typeMark); ok {
			v.types = strings.Split(strings.ReplaceAll(strings.TrimSpace(types), " ", ""), ",")
		}
	}
	v.doc, _, _ = strings.Cut(v.doc, " @")
	return open
}

func typeOf(n *yaml.Node) string {
	switch n.Tag {
	case "!!map":
		return "object"
	case "!!seq":
		return "array"
	case "!!bool":
		return "boolean"
	case "!!int":
		return "integer"
	case "!!float":
		return "number"
	}
	return "string"
}

// without is a key of KEDA's chart that has no effect here.
type without struct{ key, reason string }

// readWithout reads the list of them, in its order.
func readWithout(path string) ([]without, error) {
	raw, err := os.ReadFile(path) //nolint:gosec // the repository's own
	if err != nil {
		return nil, err
	}
	var document yaml.Node
	if err := yaml.Unmarshal(raw, &document); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var all []without
	for i := 0; i < len(document.Content[0].Content); i += 2 {
		all = append(all, without{document.Content[0].Content[i].Value, document.Content[0].Content[i+1].Value})
	}
	return all, nil
}
