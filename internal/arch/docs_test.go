package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var (
	link    = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	heading = regexp.MustCompile(`(?m)^#+ +(.+)$`)
	fence   = regexp.MustCompile("(?ms)^```.*?^```")
	notWord = regexp.MustCompile(`[^\p{L}\p{N}_ -]`)
)

// TestLinksInTheDocsLeadSomewhere follows every relative link, with its anchor.
func TestLinksInTheDocsLeadSomewhere(t *testing.T) {
	seen := 0
	walk(t, func(path string) {
		if !strings.HasSuffix(path, ".md") {
			return
		}
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(read(t, path), ""), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			if why := follow(t, path, m[1]); why != "" {
				t.Errorf("%s links to %s: %s", path, m[1], why)
			}
		}
	})
	if seen == 0 {
		t.Error("found no link at all: the test looks in the wrong place")
	}
}

func follow(t *testing.T, from, target string) string {
	t.Helper()
	file, anchor, _ := strings.Cut(target, "#")
	path := from
	if file != "" {
		path = filepath.Join(filepath.Dir(from), file)
	}
	if _, err := os.Stat(filepath.Join(root, path)); err != nil {
		return "there is no such file"
	}
	if anchor != "" && !slices.Contains(anchors(read(t, path)), anchor) {
		return "the file has no such heading"
	}
	return ""
}

// anchors are the headings of a page in the form of links to them.
func anchors(text string) []string {
	found := heading.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1)
	all := make([]string, 0, len(found))
	for _, m := range found {
		plain := notWord.ReplaceAllString(strings.ToLower(strings.TrimSpace(m[1])), "")
		all = append(all, strings.ReplaceAll(plain, " ", "-"))
	}
	return all
}

func TestAnchors(t *testing.T) {
	text := "# Who may import whom?\n```\n# not this\n```\n## `furl eval`: try it\n"
	if got, want := anchors(text), []string{"who-may-import-whom", "furl-eval-try-it"}; !slices.Equal(got, want) {
		t.Errorf("anchors: %q, want %q", got, want)
	}
}

// TestNothingNamesAMachine: what is committed works anywhere, so it names no
// path of one machine and no host that a mirror may stand in for.
func TestNothingNamesAMachine(t *testing.T) {
	// In halves, since this file is read too.
	refused := []string{
		"/work" + "/main", "/work" + "/shared", "../sh" + "ared/", "/root" + "/go", "/tmp" + "/brief", "/usr/local" + "/go",
		"proxy." + "golang.org", "sum." + "golang.org", "deb." + "debian.org", "registry." + "npmjs.org",
		"dl." + "k8s.io", "storage." + "googleapis.com", "releases/latest" + "/download", "raw." + "githubusercontent.com",
	}
	walk(t, func(path string) {
		if filepath.Ext(path) == ".sum" || filepath.Ext(path) == ".html" {
			return
		}
		text := read(t, path)
		for _, s := range refused {
			if strings.Contains(text, s) {
				t.Errorf("%s names %s", path, s)
			}
		}
	})
}

// TestArchitectureFitsOnThreeScreens keeps the page that newcomers read whole.
func TestArchitectureFitsOnThreeScreens(t *testing.T) {
	if n := strings.Count(read(t, "ARCHITECTURE.md"), "\n"); n >= 150 {
		t.Errorf("ARCHITECTURE.md has %d lines, 150 or more", n)
	}
}

var (
	namedTest   = regexp.MustCompile("`(?:([a-z/]+): )?(Test[A-Z]\\w*)(?:/([^`]+))?`")
	namedScript = regexp.MustCompile("`(?:engine: )?([a-z_]+)\\.txt`")
)

// TestCompatibilityNamesTestsThatExist holds the page to its word: each
// difference from upstream has a test.
func TestCompatibilityNamesTestsThatExist(t *testing.T) {
	const page = "docs/compatibility.md"
	tests := map[string]string{} // by folder: the text of its test files
	walk(t, func(path string) {
		if strings.HasSuffix(path, "_test.go") {
			dir := filepath.ToSlash(filepath.Dir(path))
			tests[dir] += read(t, path)
		}
	})
	text := read(t, page)
	for line := range strings.Lines(text) {
		dir := ""
		for _, m := range namedTest.FindAllStringSubmatch(line, -1) {
			if m[1] != "" {
				dir = m[1] // one that names no folder is in the folder of the one before
			}
			if !strings.Contains(tests[dir], "func "+m[2]+"(") {
				t.Errorf("%s names %s in %q, which is not there", page, m[2], dir)
			}
			if m[3] != "" && !strings.Contains(tests[dir], strings.ReplaceAll(m[3], "_", " ")) && !strings.Contains(tests[dir], m[3]) {
				t.Errorf("%s names %s/%s in %q, a case which is not there", page, m[2], m[3], dir)
			}
		}
		for _, m := range namedScript.FindAllStringSubmatch(line, -1) {
			if _, err := os.Stat(filepath.Join(root, "engine", "testdata", m[1]+".txt")); err != nil {
				t.Errorf("%s names a script: %v", page, err)
			}
		}
	}
	if n := len(namedTest.FindAllString(text, -1)); n < 20 {
		t.Errorf("%s names %d tests: the pattern no longer fits the page", page, n)
	}
}
