package main

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWithout_drops_an_import_and_its_use(t *testing.T) {
	const before = `import (
	local "example.com/local"
	backendS3 "example.com/s3"
)

var all = map[string]func() any{
	"local": func() any { return local.New() },
	"s3":    func() any { return backendS3.New() },
}
`
	const after = `import (
	local "example.com/local"
)

var all = map[string]func() any{
	"local": func() any { return local.New() },
}
`
	if diff := cmp.Diff(after, without(before, "example.com/s3")); diff != "" {
		t.Error(diff)
	}
	if got := without(before, "example.com/gcs"); got != before {
		t.Errorf("without what is not there: %s", got)
	}
}
