package api_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
)

// What is missing in a list is called a typo at admission.
func TestAnnotations_list_every_annotation_of_the_package(t *testing.T) {
	for file, listed := range map[string][]string{
		"api.go": api.Annotations(), "keda/v1alpha1/annotation.go": v1alpha1.Annotations(),
	} {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(parsed, func(n ast.Node) bool {
			spec, ok := n.(*ast.ValueSpec)
			if !ok || len(spec.Values) != 1 || !strings.HasPrefix(spec.Names[0].Name, "Annotation") {
				return true
			}
			text, ok := spec.Values[0].(*ast.BasicLit)
			if !ok {
				t.Errorf("%s: %s is no literal", file, spec.Names[0].Name)
				return true
			}
			name, err := strconv.Unquote(text.Value)
			if err != nil {
				t.Fatal(err)
			}
			if !slices.Contains(listed, name) && name != v1alpha1.AnnotationEKSRoleARN { // of a service account
				t.Errorf("%s: Annotations() misses %s", file, name)
			}
			return true
		})
	}
}
