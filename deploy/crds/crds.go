// Package crds holds the definitions of the kinds of keda.sh that Furl installs.
package crds

import (
	"embed"
	"fmt"
)

//go:embed *.yaml
var files embed.FS

// Read gives the definition of the kind whose plural name is given, as YAML.
func Read(plural string) ([]byte, error) {
	raw, err := files.ReadFile("keda.sh_" + plural + ".yaml")
	if err != nil {
		return nil, fmt.Errorf("definition of %s: %w", plural, err)
	}
	return raw, nil
}
