package terraform

import (
	"fmt"
	"path/filepath"
	"strings"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"
)

// Config is one folder of .tf files.
type Config struct {
	Folder string
	Blocks []*hclsyntax.Block
}

// ReadConfig parses the .tf files of a folder, not of those below.
func ReadConfig(folder string) (Config, error) {
	paths, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil || len(paths) == 0 {
		return Config{}, fmt.Errorf("folder %s holds no .tf file", folder)
	}
	c := Config{Folder: folder}
	parser := hclparse.NewParser()
	for _, path := range paths {
		file, diags := parser.ParseHCLFile(path)
		if diags.HasErrors() {
			return c, diags
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			return c, fmt.Errorf("%s is no HCL in its native form", path)
		}
		c.Blocks = append(c.Blocks, body.Blocks...)
	}
	return c, nil
}

// of are the blocks of one type.
func (c Config) of(kind string) []*hclsyntax.Block {
	var all []*hclsyntax.Block
	for _, b := range c.Blocks {
		if b.Type == kind {
			all = append(all, b)
		}
	}
	return all
}

// module is what the folder takes and gives when it is called as a module.
func (c Config) module() Module {
	var m Module
	for _, b := range c.of("variable") {
		if b.Body.Attributes["default"] != nil {
			m.Optional = append(m.Optional, b.Labels[0])
		} else {
			m.Required = append(m.Required, b.Labels[0])
		}
	}
	for _, b := range c.of("output") {
		m.Outputs = append(m.Outputs, b.Labels[0])
	}
	return m
}

// called finds the module that a module block calls.
func (c Config) called(b *hclsyntax.Block, known Schemas) (Module, error) {
	source := text(b.Body, "source")
	if !strings.HasPrefix(source, ".") {
		m, ok := known.Modules[source]
		if !ok {
			return m, fmt.Errorf("module %q is not in schemas.json: add it, as schemas/main.go says", source)
		}
		return m, nil
	}
	below, err := ReadConfig(filepath.Join(c.Folder, source))
	return below.module(), err
}

// text is the value of an attribute that is a plain string, else "".
func text(body *hclsyntax.Body, name string) string {
	attribute := body.Attributes[name]
	if attribute == nil {
		return ""
	}
	v, diags := attribute.Expr.Value(nil)
	if diags.HasErrors() || v.IsNull() || v.Type() != cty.String {
		return ""
	}
	return v.AsString()
}

// isTrue says whether an attribute is the word true.
func isTrue(body *hclsyntax.Body, name string) bool {
	attribute := body.Attributes[name]
	if attribute == nil {
		return false
	}
	v, diags := attribute.Expr.Value(nil)
	return !diags.HasErrors() && v.RawEquals(cty.True)
}

// named is how people know a block: queue.tf:4 resource aws_sqs_queue.prompts.
func named(b *hclsyntax.Block) string {
	return fmt.Sprintf("%s %s %s", at(b.DefRange()), b.Type, strings.Join(b.Labels, "."))
}

func at(r hcl.Range) string {
	return fmt.Sprintf("%s:%d", filepath.ToSlash(r.Filename), r.Start.Line)
}
