// Command helm writes what is generated of the chart in charts/furl: the rights
// and kinds of deploy/, the schema of the values, and the README.
package main

//go:generate go run . -root ../..

import (
	"bytes"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
)

func main() {
	root := flag.String("root", ".", "folder of the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "helm:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(root, "charts", "furl", name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, files[name]) { //nolint:gosec // the repository's own
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // of the repository, for everybody
			return err
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil { //nolint:gosec // of the repository, for everybody
			return err
		}
	}
	return nil
}

// generate returns the generated files of the chart by their paths in it.
func generate(root string) (map[string][]byte, error) {
	files := map[string][]byte{}
	if err := fromDeploy(filepath.Join(root, "deploy"), files); err != nil {
		return nil, err
	}
	for _, name := range []string{"alerts.yaml", "dashboard.json"} {
		var err error
		if files["files/"+name], err = os.ReadFile(filepath.Join(root, "deploy", "observability", name)); err != nil { //nolint:gosec // the repository's own
			return nil, err
		}
	}
	chart := filepath.Join(root, "charts", "furl")
	values, err := readValues(filepath.Join(chart, "values.yaml"))
	if err != nil {
		return nil, err
	}
	without, err := readWithout(filepath.Join(chart, "files", "keda-values.yaml"))
	if err != nil {
		return nil, err
	}
	if files["values.schema.json"], err = schema(values, without); err != nil {
		return nil, err
	}
	files["README.md"] = readme(values, without)
	return files, nil
}
