package main

import (
	"fmt"
	"go/ast"
	"go/doc"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// group is a package with benchmarks.
type group struct {
	folder     string // below the root
	sentence   string // of the package
	benchmarks []benchmark
}

// benchmark is a function and what it says of itself.
type benchmark struct{ name, sentence string }

// find returns the packages of the module at root that have benchmarks, in the
// order of their folders. Modules inside it are others.
func find(root string) ([]group, error) {
	var found []group
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.IsDir() {
			return err
		}
		if path != root && (strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" || isModule(path)) {
			return filepath.SkipDir
		}
		g, err := read(path)
		if err != nil || len(g.benchmarks) == 0 {
			return err
		}
		if g.folder, err = filepath.Rel(root, path); err == nil {
			found = append(found, g)
		}
		return err
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no benchmark at or below %q: start it in the repository, or set -root", root)
	}
	return found, err
}

func isModule(folder string) bool {
	_, err := os.Stat(filepath.Join(folder, "go.mod"))
	return err == nil
}

// read looks at one folder. Nested ones are not part of it.
func read(folder string) (group, error) {
	var g group
	files, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		return g, err
	}
	for _, name := range files {
		f, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments|parser.SkipObjectResolution)
		if err != nil {
			return g, err
		}
		if strings.HasSuffix(name, "_test.go") {
			g.benchmarks = append(g.benchmarks, benchmarksOf(f)...)
		} else if s := synopsis(f.Doc.Text()); s != "" {
			_, s, _ = strings.Cut(s, "Package "+f.Name.Name+" ")
			g.sentence = s
		}
	}
	return g, nil
}

func benchmarksOf(f *ast.File) []benchmark {
	var found []benchmark
	for _, d := range f.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Benchmark") {
			continue
		}
		name := strings.TrimPrefix(fn.Name.Name, "Benchmark")
		s := strings.TrimPrefix(paragraph(fn.Doc.Text()), fn.Name.Name+" is ")
		if s == "" {
			s = strings.ReplaceAll(name, "_", " ")
		}
		found = append(found, benchmark{name, s})
	}
	return found
}

func synopsis(text string) string { return new(doc.Package).Synopsis(text) }

// paragraph is the first one of a comment, as one line.
func paragraph(text string) string {
	first, _, _ := strings.Cut(text, "\n\n")
	return strings.Join(strings.Fields(first), " ")
}
