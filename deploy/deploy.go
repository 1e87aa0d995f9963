// Package deploy holds what a cluster is given to run Furl: the manifests of
// this folder, and the forms that they can take.
package deploy

import (
	"bytes"
	"embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/util/yaml"
)

//go:embed *.yaml crds/*.yaml
var files embed.FS

// Manifests are the files of this folder, as they were when the program was built.
func Manifests() fs.FS { return files }

// Read reads every object of every .yaml file of a folder and of crds in it,
// in the order in which they need each other.
func Read(dir fs.FS) ([]*unstructured.Unstructured, error) {
	var all []*unstructured.Unstructured
	for _, pattern := range []string{"*.yaml", "crds/*.yaml"} {
		names, err := fs.Glob(dir, pattern)
		if err != nil {
			return nil, fmt.Errorf("look for manifests %s: %w", pattern, err)
		}
		for _, name := range names {
			objects, err := readFile(dir, name)
			if err != nil {
				return nil, fmt.Errorf("manifest %s: %w", name, err)
			}
			all = append(all, objects...)
		}
	}
	if len(all) == 0 {
		return nil, errors.New("no object is in its .yaml files")
	}
	slices.SortStableFunc(all, func(a, b *unstructured.Unstructured) int { return rank(a) - rank(b) })
	return all, nil
}

func readFile(dir fs.FS, name string) ([]*unstructured.Unstructured, error) {
	raw, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, err
	}
	var all []*unstructured.Unstructured
	for decoder := yaml.NewYAMLOrJSONDecoder(bytes.NewReader(raw), 4096); ; {
		o := &unstructured.Unstructured{}
		err := decoder.Decode(&o.Object)
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return nil, err
		}
		if o.GetKind() != "" {
			all = append(all, o)
		}
	}
}

// rank orders the kinds that others need before the others.
func rank(o *unstructured.Unstructured) int {
	switch o.GetKind() {
	case "Namespace":
		return 0
	case KindDefinition:
		return 1
	}
	return 2 // in the order of the files
}

// The kinds that an installation treats apart.
const (
	KindDefinition = "CustomResourceDefinition"
	KindAPIService = "APIService"
	KindWebhooks   = "ValidatingWebhookConfiguration"
)
