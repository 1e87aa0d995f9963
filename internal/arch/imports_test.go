package arch

import (
	"fmt"
	"go/ast"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// rule says what a folder may import.
type rule struct {
	// own lists the folders of this module that may be imported, "*" for any but what never says.
	own []string
	// never lists import paths that may not be imported, each with all below it.
	never []string
	// std allows only these packages of the standard library and no module at all; nil allows any.
	std []string
}

var (
	cluster = []string{"k8s.io", "sigs.k8s.io"}
	clients = []string{"k8s.io/client-go", "k8s.io/apiserver", "sigs.k8s.io/controller-runtime"}
	below   = []string{"api", "engine", "policy", "trigger", "series", "record", "loop"}
)

// rules has one entry a folder of the main module, from the inside out. A new
// folder needs a new line, so that somebody decides where it stands.
var rules = map[string]rule{
	"engine":      {std: []string{"cmp", "encoding/json", "errors", "fmt", "math", "math/bits", "slices", "sort", "strconv", "strings", "time"}},
	"trigger":     {own: []string{}, never: cluster},
	"triggers":    {own: []string{"trigger"}, never: cluster},
	"api":         {own: []string{}, never: clients},
	"policy":      {own: []string{"api", "engine", "trigger"}, never: clients},
	"series":      {own: []string{"engine", "trigger"}, never: cluster},
	"loop":        {own: []string{"engine"}, never: cluster},
	"record":      {own: []string{"engine", "trigger", "loop"}, never: clients}, // keeps what loop.Recorder is given
	"schedule":    {own: []string{}, never: cluster},
	"resource":    {own: below},
	"kube":        {own: below},
	"sim":         {own: below, never: clients},
	"operator":    {own: []string{"*"}, never: []string{module + "/sim", module + "/cli", module + "/cmd", module + "/conformance", module + "/workload"}},
	"deploy":      {own: []string{}, never: clients},
	"conformance": {own: []string{"*"}, never: []string{module + "/sim", module + "/cli", module + "/cmd"}},
	"workload":    {own: []string{}, never: cluster},
	"cli":         {own: []string{"*"}, never: []string{module + "/cmd", module + "/conformance"}},
	"cmd":         {own: []string{"*"}},
	"internal":    {own: []string{}},
}

// TestImports holds "who may import whom" of the design.
func TestImports(t *testing.T) {
	for _, s := range sources(t) {
		top, _, _ := strings.Cut(s.path, "/")
		if top == "lab" || top == "tools" || s.dir() == "." {
			continue // modules of their own
		}
		r, ok := rules[top]
		if !ok {
			t.Errorf("%s: folder %q has no rule: say in internal/arch/imports_test.go what it may import", s.path, top)
			continue
		}
		for _, spec := range s.file.Imports {
			path, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			if why := r.refuses(top, path); why != "" {
				t.Errorf("%s: imports %s: %s", s.path, path, why)
			}
		}
	}
}

func (r rule) refuses(top, path string) string {
	if r.std != nil && !within(path, module+"/"+top) && !slices.Contains(r.std, path) {
		return fmt.Sprintf("%s may import only %s", top, strings.Join(r.std, ", "))
	}
	if i := slices.IndexFunc(r.never, func(p string) bool { return within(path, p) }); i >= 0 {
		return fmt.Sprintf("%s never imports %s", top, r.never[i])
	}
	rest, ours := strings.CutPrefix(path, module+"/")
	other, _, _ := strings.Cut(rest, "/")
	if ours && other != top && !slices.Contains(r.own, other) && !slices.Contains(r.own, "*") {
		return fmt.Sprintf("%s may import only %q of this module", top, r.own)
	}
	return ""
}

func within(path, prefix string) bool { return path == prefix || strings.HasPrefix(path, prefix+"/") }

func TestRefuses(t *testing.T) {
	for _, tc := range []struct {
		folder, path string
		refused      bool
	}{
		{"engine", "math", false},
		{"engine", "os", true},
		{"engine", "context", true},
		{"engine", module + "/api", true},
		{"engine", module + "/engine/window", false},
		{"triggers", "k8s.io/api/core/v1", true},
		{"triggers", module + "/engine", true},
		{"triggers", module + "/trigger", false},
		{"policy", "k8s.io/api/autoscaling/v2", false},
		{"policy", "k8s.io/client-go/rest", true},
		{"loop", module + "/kube", true},
		{"sim", module + "/operator/hpa", true},
		{"operator", module + "/sim", true},
		{"operator", module + "/simple", false},
		{"operator", module + "/kube", false},
	} {
		if why := rules[tc.folder].refuses(tc.folder, tc.path); (why != "") != tc.refused {
			t.Errorf("%s importing %s: refused %q, want %v", tc.folder, tc.path, why, tc.refused)
		}
	}
}

// TestEngineStartsNothing holds what imports cannot show: no goroutine, no channel.
func TestEngineStartsNothing(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.path, "engine") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			switch n.(type) {
			case *ast.GoStmt, *ast.ChanType, *ast.SelectStmt:
				t.Errorf("%s: the engine is a function of its arguments: no goroutine, no channel", s.fset.Position(n.Pos()))
			}
			return true
		})
	}
}

// TestSimulatorDecidesThroughLoop: there is no second way to a replica count.
func TestSimulatorDecidesThroughLoop(t *testing.T) {
	for _, s := range sources(t) {
		if !within(s.path, "sim") {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			call, ok := n.(*ast.SelectorExpr)
			if pkg, isName := callee(call, ok); isName && pkg == "engine" && call.Sel.Name == "Decide" {
				t.Errorf("%s: the simulator decides through loop.Loop only", s.fset.Position(n.Pos()))
			}
			return true
		})
	}
}

func callee(sel *ast.SelectorExpr, ok bool) (string, bool) {
	if !ok {
		return "", false
	}
	id, ok := sel.X.(*ast.Ident)
	if !ok {
		return "", false
	}
	return id.Name, true
}

// TestOnlyTheLabDependsOnKubernetes: k8s.io/kubernetes is no library, and 139 MB.
func TestOnlyTheLabDependsOnKubernetes(t *testing.T) {
	mod := read(t, "go.mod")
	if strings.Contains(mod, "k8s.io/kubernetes ") {
		t.Error("go.mod requires k8s.io/kubernetes: only lab/go.mod may")
	}
	if strings.Contains(mod, "\nreplace ") {
		t.Error("go.mod has a replace: `go install` of the module would refuse it")
	}
	if !strings.Contains(read(t, "lab/go.mod"), "k8s.io/kubernetes ") {
		t.Error("lab/go.mod does not require k8s.io/kubernetes: this test looks for the wrong name")
	}
}
