package terraform

import (
	"fmt"
	"maps"
	"slices"

	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// Terraform's own, which every block of the kind may have.
func isMeta(name string) bool {
	return slices.Contains([]string{"count", "for_each", "provider", "providers", "depends_on", "lifecycle", "provisioner", "connection", "source", "version"}, name)
}

// WrongArguments names what a block says that its kind does not know, and what it leaves out.
func WrongArguments(c Config, known Schemas) []string {
	var wrong []string
	for _, b := range c.Blocks {
		switch b.Type {
		case "resource":
			wrong = append(wrong, wrongIn(b, known.Resources)...)
		case "data":
			wrong = append(wrong, wrongIn(b, known.Data)...)
		case "module":
			wrong = append(wrong, wrongInCall(c, b, known)...)
		}
	}
	return wrong
}

func wrongIn(b *hclsyntax.Block, kinds map[string]Block) []string {
	if b.Labels[0] == "terraform_data" {
		return nil // Terraform's own: the test that applies it tests it
	}
	schema, ok := kinds[b.Labels[0]]
	if !ok {
		return []string{named(b) + ": not in schemas.json: add it, as schemas/main.go says"}
	}
	return wrongInBody(named(b), b.Body, schema)
}

func wrongInBody(where string, body *hclsyntax.Body, schema Block) []string {
	var wrong []string
	given := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(body.Attributes)) {
		given[name] = true
		_, isBlock := schema.Blocks[name]
		switch {
		case isMeta(name):
		case isBlock:
			wrong = append(wrong, fmt.Sprintf("%s: %s is a block: write it without the equals sign", where, name))
		case !schema.takes(name):
			wrong = append(wrong, fmt.Sprintf("%s: there is no argument %s", where, name))
		}
	}
	for _, b := range body.Blocks {
		name, inner := b.Type, b.Body
		if name == "dynamic" {
			name, inner = b.Labels[0], content(b)
		}
		given[name] = true
		if isMeta(name) {
			continue
		}
		below, ok := schema.Blocks[name]
		if !ok {
			wrong = append(wrong, fmt.Sprintf("%s: there is no block %s", where, name))
			continue
		}
		wrong = append(wrong, wrongInBody(where+" "+name, inner, below)...)
	}
	for _, name := range schema.Required {
		if !given[name] {
			wrong = append(wrong, fmt.Sprintf("%s: %s is missing", where, name))
		}
	}
	return wrong
}

// content is what a dynamic block repeats.
func content(b *hclsyntax.Block) *hclsyntax.Body {
	for _, inner := range b.Body.Blocks {
		if inner.Type == "content" {
			return inner.Body
		}
	}
	return &hclsyntax.Body{}
}

func wrongInCall(c Config, b *hclsyntax.Block, known Schemas) []string {
	m, err := c.called(b, known)
	if err != nil {
		return []string{fmt.Sprintf("%s: %v", named(b), err)}
	}
	var wrong []string
	for _, name := range slices.Sorted(maps.Keys(b.Body.Attributes)) {
		if !isMeta(name) && !m.takes(name) {
			wrong = append(wrong, fmt.Sprintf("%s: the module has no variable %s", named(b), name))
		}
	}
	for _, name := range m.Required {
		if b.Body.Attributes[name] == nil {
			wrong = append(wrong, fmt.Sprintf("%s: %s is missing", named(b), name))
		}
	}
	return wrong
}
