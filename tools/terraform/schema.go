// Package terraform holds the Terraform of this tree against what the provider and the modules know, and against our own rules, without a cloud.
package terraform

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
)

// Schemas is what blocks may say, as schemas/main.go found it.
type Schemas struct {
	Provider  string            `json:"provider"` // such as hashicorp/aws 6.25.0
	Resources map[string]Block  `json:"resources"`
	Data      map[string]Block  `json:"data"`
	Modules   map[string]Module `json:"modules"` // by source
}

// Block is what may stand in one kind of block.
type Block struct {
	Required []string         `json:"required,omitempty"` // arguments and blocks that must be there
	Optional []string         `json:"optional,omitempty"`
	Computed []string         `json:"computed,omitempty"` // what can only be read
	Blocks   map[string]Block `json:"blocks,omitempty"`   // its own blocks, each also named above
}

// Module is what a module takes and gives.
type Module struct {
	Required []string `json:"required,omitempty"`
	Optional []string `json:"optional,omitempty"`
	Outputs  []string `json:"outputs"`
}

// ReadSchemas reads the file that schemas/main.go writes.
func ReadSchemas(path string) (Schemas, error) {
	var s Schemas
	text, err := os.ReadFile(filepath.Clean(path))
	if err != nil {
		return s, err
	}
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w; write it again, as schemas/main.go says", path, err)
	}
	return s, nil
}

func (b Block) takes(name string) bool {
	return slices.Contains(b.Required, name) || slices.Contains(b.Optional, name)
}

func (b Block) has(name string) bool { return b.takes(name) || slices.Contains(b.Computed, name) }

func (m Module) takes(name string) bool {
	return slices.Contains(m.Required, name) || slices.Contains(m.Optional, name)
}
