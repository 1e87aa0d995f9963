package arch

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite cmd/furl/deps.txt")

// linked is a package of the operator's binary.
type linked struct {
	ImportPath string
	Standard   bool
	Imports    []string
	Module     *struct{ Path string }
}

// operator lists what ./cmd/furl links, from the go tool.
func operator(t *testing.T) []linked {
	t.Helper()
	list := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=ImportPath,Standard,Imports,Module", "./cmd/furl")
	list.Dir = root
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list -deps ./cmd/furl: %v\n%s", err, stderr.String())
	}
	var all []linked
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p linked
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all = append(all, p)
	}
}

// TestOperatorLinksNoKubernetesTree: k8s.io/kubernetes is the lab's.
func TestOperatorLinksNoKubernetesTree(t *testing.T) {
	for _, p := range operator(t) {
		if within(p.ImportPath, "k8s.io/kubernetes") || within(p.ImportPath, module+"/lab") {
			t.Errorf("./cmd/furl links %s", p.ImportPath)
		}
	}
}

// templates are the packages outside this module that may import text/template
// or html/template, which keep every exported method of the binary linked.
var templates = map[string]string{
	"github.com/spf13/cobra":             "parses none unless a custom help template is set, which we never do",
	"github.com/google/cel-go/cel":       "comes with k8s.io/apiserver, ADR 0005",
	"golang.org/x/net/trace":             "comes with gRPC, which comes with k8s.io/apiserver, ADR 0005",
	"k8s.io/apiserver/pkg/server/routes": "the generic API server, ADR 0005",
}

// TestOperatorTakesOnNoMoreTemplates: each importer is known, and none is ours.
func TestOperatorTakesOnNoMoreTemplates(t *testing.T) {
	var found []string
	for _, p := range operator(t) {
		if p.Standard || !slices.Contains(p.Imports, "text/template") && !slices.Contains(p.Imports, "html/template") {
			continue
		}
		found = append(found, p.ImportPath)
		if templates[p.ImportPath] == "" {
			t.Errorf("./cmd/furl links templates through %s", p.ImportPath)
		}
	}
	for path := range templates {
		if !slices.Contains(found, path) {
			t.Errorf("%s no longer brings templates: delete its line here", path)
		}
	}
}

// TestOperatorDependencies compares cmd/furl/deps.txt with what our packages
// in the binary import, so that a new dependency shows in the diff.
func TestOperatorDependencies(t *testing.T) {
	users := map[string]map[string]bool{} // module → our folders
	packages := operator(t)
	modules := map[string]string{}
	for _, p := range packages {
		if p.Module != nil {
			modules[p.ImportPath] = p.Module.Path
		}
	}
	for _, p := range packages {
		if !within(p.ImportPath, module) {
			continue
		}
		folder := strings.TrimPrefix(p.ImportPath, module+"/")
		for _, imported := range p.Imports {
			m := modules[imported]
			if m == "" || m == module {
				continue
			}
			if users[m] == nil {
				users[m] = map[string]bool{}
			}
			users[m][folder] = true
		}
	}
	var want strings.Builder
	want.WriteString("# Modules that the packages of ./cmd/furl import themselves, and which do. Written by make generate.\n")
	for _, m := range slices.Sorted(maps.Keys(users)) {
		fmt.Fprintf(&want, "%-45s %s\n", m, strings.Join(slices.Sorted(maps.Keys(users[m])), " "))
	}
	const file = "cmd/furl/deps.txt"
	if *update {
		if err := os.WriteFile(filepath.Join(root, file), []byte(want.String()), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := read(t, file); got != want.String() {
		t.Errorf("%s is out of date; run make generate, and read the diff. Want:\n%s", file, want.String())
	}
}
