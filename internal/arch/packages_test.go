package arch

import (
	"bytes"
	"go/ast"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestEveryPackageSaysWhatItIsFor wants one sentence that a newcomer would quote.
func TestEveryPackageSaysWhatItIsFor(t *testing.T) {
	says := map[string]bool{}
	names := map[string]string{}
	for _, s := range sources(t) {
		dir := s.dir()
		names[dir] = s.file.Name.Name
		if s.file.Doc == nil {
			continue
		}
		text := s.file.Doc.Text()
		opening := "Package " + s.file.Name.Name + " "
		if s.file.Name.Name == "main" {
			opening = "Command "
		}
		if says[dir] {
			t.Errorf("%s: the package has a second comment", s.path)
		}
		says[dir] = true
		if !strings.HasPrefix(text, opening) || !strings.Contains(text, ".") {
			t.Errorf("%s: the package comment begins %q, want a sentence that begins %q", s.path, firstLine(text), opening)
		}
	}
	for dir, name := range names {
		if !says[dir] {
			t.Errorf("%s: package %s does not say what it is for", dir, name)
		}
	}
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// TestNamesSayWhatThingsAre refuses the names that say nothing. The API of
// KEDA has the names that KEDA gave it.
func TestNamesSayWhatThingsAre(t *testing.T) {
	packages := []string{"util", "utils", "common", "helper", "helpers", "types", "misc", "shared", "base"}
	endings := []string{"Manager", "Handler", "Helper", "Util", "Info", "Data"}
	for _, s := range sources(t) {
		if s.generated() || within(s.path, "api/keda") {
			continue
		}
		if slices.Contains(packages, s.file.Name.Name) {
			t.Errorf("%s: package %s: name it by what it knows", s.path, s.file.Name.Name)
		}
		for _, decl := range s.file.Decls {
			gen, ok := decl.(*ast.GenDecl)
			if !ok {
				continue
			}
			for _, spec := range gen.Specs {
				typ, ok := spec.(*ast.TypeSpec)
				if ok && slices.ContainsFunc(endings, func(e string) bool { return strings.HasSuffix(typ.Name.Name, e) }) {
					t.Errorf("%s: type %s: a noun that says what it is", s.fset.Position(typ.Pos()), typ.Name.Name)
				}
			}
		}
	}
}

// maxLines keeps a file readable in one sitting.
const maxLines = 400

// TestFilesAreShort counts all lines of files that people write.
func TestFilesAreShort(t *testing.T) {
	for _, s := range sources(t) {
		if s.generated() {
			continue
		}
		text, err := os.ReadFile(filepath.Join(root, s.path))
		if err != nil {
			t.Fatal(err)
		}
		if n := bytes.Count(text, []byte("\n")); n >= maxLines {
			t.Errorf("%s has %d lines, %d or more: its second half wants a name", s.path, n, maxLines)
		}
	}
}
