package terraform

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

// scope is what a folder declares, and what of it was used.
type scope struct {
	config Config
	known  Schemas
	named  map[string]*hclsyntax.Block // such as var.name, data.aws_partition.current, aws_sqs_queue.prompts
	used   map[string]bool
	locals map[string]hcl.Range
}

// WrongReferences names what expressions refer to that nothing declares, and what is declared for nobody.
func WrongReferences(c Config, known Schemas) []string {
	s := declared(c, known)
	var wrong []string
	for _, b := range c.Blocks {
		for _, t := range traversals(b.Body) {
			if why := s.follow(t); why != "" {
				wrong = append(wrong, fmt.Sprintf("%s: %s", at(t.SourceRange()), why))
			}
		}
	}
	for name, b := range s.named {
		if (b.Type == "variable" || b.Type == "data") && !s.used[name] {
			wrong = append(wrong, fmt.Sprintf("%s: nothing uses it", named(b)))
		}
	}
	for name, r := range s.locals {
		if !s.used[name] {
			wrong = append(wrong, fmt.Sprintf("%s: nothing uses %s", at(r), name))
		}
	}
	slices.Sort(wrong)
	return wrong
}

func declared(c Config, known Schemas) *scope {
	s := &scope{config: c, known: known, named: map[string]*hclsyntax.Block{}, used: map[string]bool{}, locals: map[string]hcl.Range{}}
	for _, b := range c.Blocks {
		switch b.Type {
		case "variable":
			s.named["var."+b.Labels[0]] = b
		case "module":
			s.named["module."+b.Labels[0]] = b
		case "data":
			s.named["data."+b.Labels[0]+"."+b.Labels[1]] = b
		case "resource":
			s.named[b.Labels[0]+"."+b.Labels[1]] = b
		case "locals":
			for name, a := range b.Body.Attributes {
				s.locals["local."+name] = a.SrcRange
			}
		}
	}
	return s
}

// traversals are all references of a body and of the blocks in it.
func traversals(body *hclsyntax.Body) []hcl.Traversal {
	all := make([]hcl.Traversal, 0, len(body.Attributes))
	for _, a := range body.Attributes {
		all = append(all, a.Expr.Variables()...)
	}
	for _, b := range body.Blocks {
		all = append(all, traversals(b.Body)...)
	}
	return all
}

// follow says what is wrong with a reference, if anything.
func (s *scope) follow(t hcl.Traversal) string {
	steps := names(t)
	switch steps[0] {
	case "each", "count", "self", "path", "terraform":
		return ""
	case "var", "local":
		return s.find(steps, 2, nil)
	case "module":
		return s.find(steps, 2, func(b *hclsyntax.Block, output string) bool {
			m, err := s.config.called(b, s.known)
			return err == nil && slices.Contains(m.Outputs, output)
		})
	case "data":
		return s.find(steps, 3, func(b *hclsyntax.Block, name string) bool { return s.known.Data[b.Labels[0]].has(name) })
	default:
		if len(steps) == 1 {
			return "" // a keyword, such as string in a type, or what ignore_changes names
		}
		return s.find(steps, 2, func(b *hclsyntax.Block, name string) bool {
			return b.Labels[0] == "terraform_data" || s.known.Resources[b.Labels[0]].has(name)
		})
	}
}

// find looks up the first n steps, and asks whether the thing has what the next step names.
func (s *scope) find(steps []string, n int, has func(*hclsyntax.Block, string) bool) string {
	if len(steps) < n {
		return fmt.Sprintf("%q refers to nothing", strings.Join(steps, "."))
	}
	name := strings.Join(steps[:n], ".")
	s.used[name] = true
	if _, ok := s.locals[name]; ok {
		return ""
	}
	b, ok := s.named[name]
	if !ok {
		return name + " is not declared"
	}
	if len(steps) > n && has != nil && !has(b, steps[n]) {
		return fmt.Sprintf("%s has no %s", name, steps[n])
	}
	return ""
}

// names are the steps of a traversal that have a name: indices are left out.
func names(t hcl.Traversal) []string {
	var all []string
	for _, step := range t {
		switch step := step.(type) {
		case hcl.TraverseRoot:
			all = append(all, step.Name)
		case hcl.TraverseAttr:
			all = append(all, step.Name)
		}
	}
	return all
}
