// Command observability writes what Prometheus and Grafana are given to watch
// Furl: alert rules and a dashboard, in deploy/observability. It refuses a query
// that names a metric or a label which the operator does not have.
package main

//go:generate go run . -root ../..

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"

	"go.yaml.in/yaml/v3"
)

func main() {
	root := flag.String("root", ".", "folder of the repository")
	flag.Parse()
	if err := run(*root); err != nil {
		fmt.Fprintln(os.Stderr, "observability:", err)
		os.Exit(1)
	}
}

func run(root string) error {
	files, err := generate(root)
	if err != nil {
		return err
	}
	for name, text := range files {
		path := filepath.Join(root, "deploy", "observability", name)
		if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) { //nolint:gosec // the repository's own
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // of the repository, for everybody
			return err
		}
		if err := os.WriteFile(path, text, 0o644); err != nil { //nolint:gosec // of the repository, for everybody
			return err
		}
	}
	return nil
}

// generate returns the files by their names, all queries in them checked.
func generate(root string) (map[string][]byte, error) {
	known, err := readMetrics(filepath.Join(root, "docs", "reference", "metrics.json"))
	if err != nil {
		return nil, err
	}
	for _, a := range alerts() {
		if err := known.check(a.Expr); err != nil {
			return nil, fmt.Errorf("alert %s: %w", a.Alert, err)
		}
	}
	board := newDashboard()
	for _, p := range board.Panels {
		for _, q := range p.Targets {
			if err := known.check(q.Expr); err != nil {
				return nil, fmt.Errorf("panel %q: %w", p.Title, err)
			}
		}
	}
	rules, err := rulesFile()
	if err != nil {
		return nil, err
	}
	dashboard, err := json.MarshalIndent(board, "", "  ")
	if err != nil {
		return nil, err
	}
	return map[string][]byte{"alerts.yaml": rules, "dashboard.json": append(dashboard, '\n')}, nil
}

// made stands at the top of the rules.
const made = "# Rules for Prometheus (rule_files). Made by tools/observability (make generate).\n"

func rulesFile() ([]byte, error) {
	type group struct {
		Name  string  `yaml:"name"`
		Rules []alert `yaml:"rules"`
	}
	var b bytes.Buffer
	b.WriteString(made)
	e := yaml.NewEncoder(&b)
	e.SetIndent(2)
	err := e.Encode(map[string][]group{"groups": {{Name: "furl", Rules: alerts()}}})
	return b.Bytes(), err
}
