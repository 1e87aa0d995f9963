package main

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/furl-dev/furl/lab/cluster"
)

// chooseKarpenter decides whether Karpenter makes nodes.
func chooseKarpenter(o *cluster.Options, wanted string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	path := filepath.Join(filepath.Dir(self), "furl-karpenter")
	_, err = os.Stat(path)
	switch wanted {
	case "true":
		if err != nil {
			return fmt.Errorf("find the program that makes nodes: %w", err)
		}
	case "false":
		return nil
	case "auto":
		if err != nil {
			return nil //nolint:nilerr // then there is none
		}
	default:
		return fmt.Errorf("--karpenter=%s: say true, false or auto", wanted)
	}
	o.KarpenterPath = path
	return nil
}
