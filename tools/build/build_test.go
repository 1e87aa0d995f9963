package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func testModule(t *testing.T, source string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "main.go": source} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestBuild(t *testing.T) {
	for _, tc := range []struct {
		why, source string
		ok          bool
		says        []string
	}{
		{"says when it is done", "package main\n\nfunc main() {}\n", true, []string{"[1/1]", "built, 1 packages compiled"}},
		{"gives the compiler's words", "package main\n\nfunc main() { nowhere() }\n", false, []string{"did not build", "undefined: nowhere"}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			dir := testModule(t, tc.source)
			out := filepath.Join(dir, "bin", "m")
			var text strings.Builder
			err := buildAll(t.Context(), []program{{dir: dir, pkg: ".", out: out}}, &screen{w: &text, every: time.Hour})
			if err != nil {
				text.WriteString(err.Error())
			}
			if _, stat := os.Stat(out); (err == nil) != tc.ok || (stat == nil) != tc.ok {
				t.Errorf("build: %v, binary: %v; want success: %v", err, stat, tc.ok)
			}
			for _, s := range tc.says {
				if !strings.Contains(text.String(), s) {
					t.Errorf("the output lacks %q:\n%s", s, text.String())
				}
			}
		})
	}
}

func TestParseNamesTheForm(t *testing.T) {
	for _, arg := range []string{"", "x", "x:y", "x=y", ":y=z", "x:=z", "x:y="} {
		if _, err := parse(arg); err == nil || !strings.Contains(err.Error(), "FOLDER:PACKAGE=OUTPUT") {
			t.Errorf("parse(%q): %v", arg, err)
		}
	}
}

func TestScreenIsOneLineThatChangesOnATerminal(t *testing.T) {
	var text strings.Builder
	task := (&screen{w: &text, live: true, every: time.Hour}).begin("[1/1] bin/m")
	if words := task.follow(strings.NewReader("go: downloading a v1\nexample.com/a\n# example.com/b\nb.go:1:1: wrong\n")); words != "# example.com/b\nb.go:1:1: wrong\n" {
		t.Errorf("words: %q", words)
	}
	if task.doing != "compiling, 1 packages: example.com/a" {
		t.Errorf("doing: %q", task.doing)
	}
	if task.follow(strings.NewReader("example.com/cmd/m\n")); task.doing != "linking" {
		t.Errorf("doing: %q at the last package", task.doing)
	}
	task.done()
	if got := text.String(); strings.Count(got, "\n") != 1 || !strings.Contains(got, "built, 2 packages compiled") {
		t.Errorf("screen: %q", got)
	}
}

func TestForPlatforms_names_each_output(t *testing.T) {
	programs, err := forPlatforms([]program{{dir: ".", pkg: "./cmd/furl", out: "dist/{platform}/furl"}}, "v1.2.3", "linux/arm64,windows/amd64")
	if err != nil {
		t.Fatal(err)
	}
	got := make([]string, 0, len(programs))
	for _, p := range programs {
		got = append(got, p.release.os+"/"+p.release.arch+" "+p.out)
	}
	if want := []string{"linux/arm64 dist/linux_arm64/furl", "windows/amd64 dist/windows_amd64/furl.exe"}; !slices.Equal(got, want) {
		t.Errorf("outputs %q, want %q", got, want)
	}
}

func TestForPlatforms_refuses(t *testing.T) {
	for _, tc := range []struct{ out, version, platforms, says string }{
		{"dist/{platform}/m", "1.2.3", "linux/amd64", "v1.2.3"},
		{"dist/{platform}/m", "v1.2", "linux/amd64", "v1.2.3"},
		{"dist/{platform}/m", "v1.2.3 -X a=b", "linux/amd64", "v1.2.3"},
		{"dist/{platform}/m", "v1.2.3", "linux", "OS/ARCHITECTURE"},
		{"dist/m", "v1.2.3", "linux/amd64,linux/arm64", "{platform}"},
	} {
		if _, err := forPlatforms([]program{{".", ".", tc.out, nil}}, tc.version, tc.platforms); err == nil || !strings.Contains(err.Error(), tc.says) {
			t.Errorf("%+v: %v", tc, err)
		}
	}
}

// TestRelease_is_the_same_from_another_folder builds one small program twice,
// in two folders and with flags that a machine may have in its environment.
func TestRelease_is_the_same_from_another_folder(t *testing.T) {
	const source = "package main\n\nvar version string\n\nfunc main() { println(version); panic(1) }\n"
	built := make([][]byte, 0, 2)
	for _, flags := range []string{"", "-tags=other"} {
		t.Setenv("GOFLAGS", flags)
		out := filepath.Join(t.TempDir(), "{platform}", "m")
		programs, err := forPlatforms([]program{{dir: testModule(t, source), pkg: ".", out: out}}, "v1.2.3", "linux/arm64")
		if err != nil {
			t.Fatal(err)
		}
		if err := buildAll(t.Context(), programs, &screen{w: io.Discard, every: time.Hour}); err != nil {
			t.Fatal(err)
		}
		bytes, err := os.ReadFile(programs[0].out)
		if err != nil {
			t.Fatal(err)
		}
		built = append(built, bytes)
	}
	if string(built[0]) != string(built[1]) {
		t.Error("two builds of one source differ")
	}
}
