package arch

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	block = regexp.MustCompile("(?ms)^```(yaml|console)\n(.*?)^```$")
	file  = regexp.MustCompile(`\A# file: ([a-z0-9-]+\.yaml)\n`)
)

// TestDocumentedCommandsPrintWhatTheDocsSay runs every block marked console of
// the README and the guides, in order, beside the files that blocks beginning
// "# file: NAME" hold, and compares what it prints. With -update it writes
// what it printed into the page.
func TestDocumentedCommandsPrintWhatTheDocsSay(t *testing.T) {
	bin := t.TempDir()
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, "./cmd/furl")
	build.Dir = root
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build ./cmd/furl: %v\n%s", err, out)
	}
	pages, err := filepath.Glob(filepath.Join(root, "docs", "guide", "*.md"))
	if err != nil {
		t.Fatal(err)
	}
	ran := 0
	for _, page := range append(pages, filepath.Join(root, "README.md")) {
		rel, err := filepath.Rel(root, page)
		if err != nil {
			t.Fatal(err)
		}
		t.Run(rel, func(t *testing.T) { ran += runPage(t, page, bin) })
	}
	if ran == 0 {
		t.Error("found no console block: the test looks in the wrong place")
	}
}

// runPage runs the blocks of one page and returns how many commands there were.
func runPage(t *testing.T, page, bin string) int {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	examples, err := filepath.Abs(filepath.Join(root, "examples"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(examples, filepath.Join(dir, "examples")); err != nil {
		t.Fatal(err)
	}
	ran := 0
	got := block.ReplaceAllStringFunc(string(text), func(b string) string {
		m := block.FindStringSubmatch(b)
		if m[1] == "console" {
			commands := commandsOf(m[2])
			ran += len(commands)
			return "```console\n" + play(t, commands, dir, bin) + "```"
		}
		if name := file.FindStringSubmatch(m[2]); name != nil {
			if err := os.WriteFile(filepath.Join(dir, name[1]), []byte(m[2]), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return b
	})
	switch {
	case got == string(text):
	case *update:
		if err := os.WriteFile(page, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("%s shows other output than its commands print; see go test ./internal/arch -run Documented -update. They print:\n%s", page, got)
	}
	return ran
}

// commandsOf takes the commands of a console block: lines that begin "$ ",
// each with the here-document that follows it.
func commandsOf(text string) []string {
	var commands []string
	inside := false
	for line := range strings.Lines(text) {
		command, begins := strings.CutPrefix(line, "$ ")
		switch {
		case inside:
			commands[len(commands)-1] += line
			inside = line != "EOF\n"
		case begins:
			commands = append(commands, command)
			inside = strings.Contains(command, "<<EOF")
		}
	}
	return commands
}

// play runs the commands and returns the block with what they print.
func play(t *testing.T, commands []string, dir, bin string) string {
	t.Helper()
	var b strings.Builder
	for _, c := range commands {
		cmd := exec.CommandContext(t.Context(), "bash", "-c", c)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"))
		out, _ := cmd.CombinedOutput() // an exit code is shown by the page itself, where it matters
		b.WriteString("$ " + c + string(out))
	}
	return b.String()
}

func TestCommandsOf(t *testing.T) {
	got := commandsOf("$ a -f - <<EOF\nx\n$ y\nEOF\nprinted\n$ b | head\nprinted\n")
	if len(got) != 2 || got[0] != "a -f - <<EOF\nx\n$ y\nEOF\n" || got[1] != "b | head\n" {
		t.Errorf("commands: %q", got)
	}
}
