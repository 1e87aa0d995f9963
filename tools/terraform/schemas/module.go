package main

import (
	"fmt"
	"path/filepath"

	"github.com/furl-dev/furl/tools/terraform"
	"github.com/hashicorp/hcl/v2/hclparse"
	"github.com/hashicorp/hcl/v2/hclsyntax"
)

func readModule(folder string) (terraform.Module, error) {
	var m terraform.Module
	paths, err := filepath.Glob(filepath.Join(folder, "*.tf"))
	if err != nil {
		return m, err
	}
	if len(paths) == 0 {
		return m, fmt.Errorf("%s holds no .tf file: name the checkout of a module", folder)
	}
	parser := hclparse.NewParser()
	for _, path := range paths {
		file, diags := parser.ParseHCLFile(path)
		if diags.HasErrors() {
			return m, diags
		}
		body, ok := file.Body.(*hclsyntax.Body)
		if !ok {
			return m, fmt.Errorf("%s is no HCL in its native form", path)
		}
		add(&m, body)
	}
	return m, nil
}

func add(m *terraform.Module, body *hclsyntax.Body) {
	for _, block := range body.Blocks {
		_, hasDefault := block.Body.Attributes["default"]
		switch {
		case block.Type == "output":
			m.Outputs = append(m.Outputs, block.Labels[0])
		case block.Type == "variable" && hasDefault:
			m.Optional = append(m.Optional, block.Labels[0])
		case block.Type == "variable":
			m.Required = append(m.Required, block.Labels[0])
		}
	}
}
