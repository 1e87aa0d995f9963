package cli_test

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/furl-dev/furl/trigger"
	"github.com/furl-dev/furl/trigger/page"
	"github.com/furl-dev/furl/triggers/all"
	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"
)

var update = flag.Bool("update", false, "write the reference pages of triggers")

// pages is where users read about triggers; trigger/page writes all of it.
const pages = "../docs/reference/triggers"

// TestTriggerPages compares the pages with the kinds, or writes them.
func TestTriggerPages(t *testing.T) {
	want := map[string]string{"README.md": page.Index(all.Kinds())}
	for _, k := range all.Kinds() {
		want[k.Name+".md"] = page.Markdown(k)
		schema, err := page.Schema(k)
		if err != nil {
			t.Fatal(err)
		}
		want[k.Name+".schema.json"] = string(schema) + "\n"
	}
	if *update {
		write(t, want)
	}
	got := map[string]string{}
	for _, name := range written(t) {
		text, err := os.ReadFile(filepath.Join(pages, name))
		if err != nil {
			t.Fatal(err)
		}
		got[name] = string(text)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("run make generate: the pages are not what the program says (-program +pages):\n%s", diff)
	}
}

func write(t *testing.T, files map[string]string) {
	t.Helper()
	for _, name := range written(t) {
		if _, ok := files[name]; !ok {
			if err := os.Remove(filepath.Join(pages, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(pages, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func written(t *testing.T) []string {
	t.Helper()
	if err := os.MkdirAll(pages, 0o755); err != nil {
		t.Fatal(err)
	}
	found, err := os.ReadDir(pages)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range found {
		if !strings.HasPrefix(f.Name(), ".") {
			names = append(names, f.Name())
		}
	}
	return names
}

// TestTriggerPages_show_examples_that_are_accepted decodes what the pages show as admission would.
func TestTriggerPages_show_examples_that_are_accepted(t *testing.T) {
	for _, k := range all.Kinds() {
		var triggers []struct {
			MetricType string            `json:"metricType"`
			Metadata   map[string]string `json:"metadata"`
		}
		if err := yaml.Unmarshal([]byte(page.Example(k)), &triggers); err != nil || len(triggers) != 1 {
			t.Errorf("%s: %d triggers, %v", k.Name, len(triggers), err)
			continue
		}
		c, err := k.Decode(trigger.Input{MetricType: triggers[0].MetricType, Metadata: triggers[0].Metadata, Partial: true})
		if err != nil || len(c.Warnings) > 0 {
			t.Errorf("the example of %s: %v, %q", k.Name, err, c.Warnings)
		}
	}
}
