package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
)

// chart packs charts/furl as helm package would, with this version in it, and
// returns the file's name.
func (o order) chart() (string, error) {
	dir := filepath.Join(o.root, "charts", "furl")
	files, err := below(dir, "furl/")
	if err != nil {
		return "", fmt.Errorf("chart: %w", err)
	}
	raw, err := os.ReadFile(filepath.Join(dir, "Chart.yaml")) //nolint:gosec // the repository's own
	if err != nil {
		return "", err
	}
	about, err := o.versioned(raw)
	if err != nil {
		return "", err
	}
	at := slices.IndexFunc(files, func(f file) bool { return f.name == "furl/Chart.yaml" })
	files[at] = text("furl/Chart.yaml", 0o644, about)
	name := "furl-" + o.number() + ".tgz"
	return name, o.write(name, func(w io.Writer) error { return writeTarball(w, files) })
}

// versioned is Chart.yaml with this version for the chart and for what it installs.
func (o order) versioned(raw []byte) ([]byte, error) {
	line := regexp.MustCompile(`(?m)^(version|appVersion): .*$`)
	if n := len(line.FindAll(raw, -1)); n != 2 {
		return nil, fmt.Errorf("charts/furl/Chart.yaml has %d lines of version and appVersion, want one of each", n)
	}
	return bytes.TrimLeft(line.ReplaceAll(raw, []byte("${1}: "+o.number())), "\n"), nil
}
