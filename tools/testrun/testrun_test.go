package main

import (
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

func tallyOf(t *testing.T, stream string) *tally {
	t.Helper()
	got := newTally(&sync.Mutex{}, func(*packageRun) {})
	if err := got.read(strings.NewReader(stream)); err != nil {
		t.Fatal(err)
	}
	return got
}

func TestCount(t *testing.T) {
	for _, tc := range []struct {
		why    string
		stream string
		want   string
	}{
		{
			"a test with subtests is its subtests", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"run","Package":"p","Test":"TestA/two"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"skip","Package":"p","Test":"TestA/two"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p"}`,
			"1 passed, 0 failed, 1 skipped",
		},
		{
			"a failing subtest is one failure, not two", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			"0 passed, 1 failed, 0 skipped",
		},
		{
			"a parent that fails by itself counts beside its subtests", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestA/one"}
{"Action":"pass","Package":"p","Test":"TestA/one"}
{"Action":"fail","Package":"p","Test":"TestA"}
{"Action":"fail","Package":"p"}`,
			"1 passed, 1 failed, 0 skipped",
		},
		{
			"names that only begin alike are not parent and child", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestAB"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestAB"}
{"Action":"pass","Package":"p"}`,
			"2 passed, 0 failed, 0 skipped",
		},
		{
			"a test that never ended failed", `
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"run","Package":"p","Test":"TestB"}
{"Action":"fail","Package":"p"}`,
			"1 passed, 1 failed, 0 skipped",
		},
		{
			"a package that does not build is a failure", `
{"Action":"build-output","ImportPath":"p","Output":"undefined: x\n"}
{"Action":"build-fail","ImportPath":"p"}
{"Action":"fail","Package":"p","FailedBuild":"p"}`,
			"0 passed, 1 failed, 0 skipped",
		},
		{
			"a package that began and never ended is a failure", `
{"Action":"start","Package":"p"}`,
			"0 passed, 1 failed, 0 skipped",
		},
		{
			"a package without tests is nothing", `
{"Action":"skip","Package":"p"}`,
			"0 passed, 0 failed, 0 skipped",
		},
	} {
		t.Run(tc.why, func(t *testing.T) {
			if got := tallyOf(t, tc.stream).count().String(); got != tc.want {
				t.Errorf("got %s, want %s", got, tc.want)
			}
		})
	}
}

// module writes a module of one file and returns its folder.
func module(t *testing.T, dir string, files map[string]string) string {
	t.Helper()
	files["go.mod"] = "module example.com/" + filepath.Base(dir) + "\n\ngo 1.26\n"
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

const testHead = "package p\n\nimport \"testing\"\n\n"

func TestRun(t *testing.T) {
	for _, tc := range []struct {
		why     string
		test    string
		noSkips bool
		ok      bool
		says    []string
		silent  []string
	}{
		{
			why:  "passes and keeps what passing tests print to itself",
			test: testHead + `func TestA(t *testing.T) { t.Log("quiet") }`,
			ok:   true, says: []string{"\n1 passed, 0 failed, 0 skipped\n"}, silent: []string{"quiet"},
		},
		{
			why:  "shows the output of the failing test alone",
			test: testHead + "func TestA(t *testing.T) { t.Log(\"quiet\") }\n\nfunc TestB(t *testing.T) { t.Error(\"loud\") }",
			says: []string{"--- TestB", "loud", "\n1 passed, 1 failed, 0 skipped\n"}, silent: []string{"quiet"},
		},
		{
			why:  "shows the compiler's words",
			test: testHead + `func TestA(t *testing.T) { nowhere() }`,
			says: []string{"undefined: nowhere", "\n0 passed, 1 failed, 0 skipped\n"},
		},
		{
			why:  "shows a panic",
			test: testHead + `func TestA(t *testing.T) { panic("boom") }`,
			says: []string{"boom", "\n0 passed, 1 failed, 0 skipped\n"},
		},
		{
			why:  "shows why the whole package stopped",
			test: "package p\n\nimport (\n\"os\"\n\"testing\"\n)\n\nfunc TestMain(*testing.M) { println(\"no server\"); os.Exit(3) }",
			says: []string{"no server", "\n0 passed, 1 failed, 0 skipped\n"},
		},
		{
			why:  "names a skip and its reason",
			test: testHead + "func TestA(t *testing.T) { t.Skip(\"needs redis-server: apt-get install redis-server\") }\n\nfunc TestB(*testing.T) {}",
			ok:   true, says: []string{"skip example.com/m TestA: ", "apt-get install redis-server", "\n1 passed, 0 failed, 1 skipped\n"},
		},
		{
			why:     "lets no skip pass where none is allowed",
			test:    testHead + "func TestA(t *testing.T) { t.Skip(\"later\") }\n\nfunc TestB(*testing.T) {}",
			noSkips: true,
			says:    []string{"\n1 passed, 0 failed, 1 skipped\n"},
		},
		{
			why:  "fails when nothing ran",
			test: "package p\n",
			says: []string{"\n0 passed, 0 failed, 0 skipped\n"},
		},
	} {
		t.Run(tc.why, func(t *testing.T) {
			dir := module(t, filepath.Join(t.TempDir(), "m"), map[string]string{"p_test.go": tc.test})
			var out strings.Builder
			ok, err := run(t.Context(), options{root: dir, noSkips: tc.noSkips, timeout: time.Minute, every: time.Hour}, &out)
			if err != nil || ok != tc.ok {
				t.Errorf("ok = %v, %v; want %v", ok, err, tc.ok)
			}
			for _, s := range tc.says {
				if !strings.Contains(out.String(), s) {
					t.Errorf("the output lacks %q", s)
				}
			}
			for _, s := range tc.silent {
				if strings.Contains(out.String(), s) {
					t.Errorf("the output has %q", s)
				}
			}
			if t.Failed() {
				t.Log(out.String())
			}
		})
	}
}

// onceOnly fails the first time and passes the second: it leaves a file behind.
const onceOnly = "package p\n\nimport (\n\"os\"\n\"testing\"\n)\n\n" +
	"func TestA(t *testing.T) {\n if _, err := os.Stat(\"been\"); err != nil {\n  os.WriteFile(\"been\", nil, 0o600)\n  t.Error(\"too slow\")\n }\n}\n" +
	"func TestB(*testing.T) {}\n"

func TestRun_gives_a_second_chance_where_asked_and_says_so(t *testing.T) {
	for _, tc := range []struct {
		why, test, again string
		ok               bool
		says             []string
	}{
		{"what passes alone is flaky", onceOnly, ".", true, []string{"once more, alone: example.com/m TestA", "flaky, it failed and then passed alone: example.com/m TestA", "\n2 passed, 0 failed, 0 skipped\n"}},
		{"not where it was not asked for", onceOnly, "lab", false, []string{"FAIL example.com/m TestA", "too slow", "\n1 passed, 1 failed, 0 skipped\n"}},
		{"what fails twice has failed", testHead + `func TestA(t *testing.T) { t.Error("loud") }`, ".", false, []string{"once more", "loud", "\n0 passed, 1 failed, 0 skipped\n"}},
		{"a build gets none", testHead + `func TestA(t *testing.T) { nowhere() }`, ".", false, []string{"undefined: nowhere", "\n0 passed, 1 failed, 0 skipped\n"}},
	} {
		t.Run(tc.why, func(t *testing.T) {
			dir := module(t, filepath.Join(t.TempDir(), "m"), map[string]string{"p_test.go": tc.test})
			var out strings.Builder
			ok, err := run(t.Context(), options{root: dir, again: tc.again, timeout: time.Minute, every: time.Hour}, &out)
			if err != nil || ok != tc.ok {
				t.Errorf("ok = %v, %v; want %v", ok, err, tc.ok)
			}
			for _, s := range tc.says {
				if !strings.Contains(out.String(), s) {
					t.Errorf("the output lacks %q:\n%s", s, out.String())
				}
			}
		})
	}
}

func TestRunSumsModules(t *testing.T) {
	root := module(t, filepath.Join(t.TempDir(), "m"), map[string]string{"p_test.go": testHead + `func TestA(*testing.T) {}`})
	module(t, filepath.Join(root, "lab"), map[string]string{"p_test.go": testHead + `func TestB(*testing.T) {}`})
	module(t, filepath.Join(root, "lab", "testdata", "m"), map[string]string{"p_test.go": testHead + `func TestC(t *testing.T) { t.Fail() }`})
	var out strings.Builder
	ok, err := run(t.Context(), options{root: root, serial: "lab", timeout: time.Minute, every: time.Hour}, &out)
	if err != nil || !ok || !strings.HasSuffix(out.String(), "\n2 passed, 0 failed, 0 skipped\n") {
		t.Errorf("ok = %v, %v\n%s", ok, err, out.String())
	}
}

func TestRunSaysWhenAModuleIsBroken(t *testing.T) {
	root := module(t, filepath.Join(t.TempDir(), "m"), map[string]string{"p_test.go": testHead + `func TestA(*testing.T) {}`})
	module(t, filepath.Join(root, "lab"), map[string]string{})
	if err := os.WriteFile(filepath.Join(root, "lab", "go.mod"), []byte("modul x\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	var out strings.Builder
	ok, err := run(t.Context(), options{root: root, timeout: time.Minute, every: time.Hour}, &out)
	if err != nil || ok || !strings.Contains(out.String(), "modul") || !strings.HasSuffix(out.String(), "\n1 passed, 1 failed, 0 skipped\n") {
		t.Errorf("ok = %v, %v\n%s", ok, err, out.String())
	}
}

func TestModulesNeedsOne(t *testing.T) {
	if _, err := modules(t.TempDir()); err == nil || !strings.Contains(err.Error(), "-root") {
		t.Errorf("error %v does not say what to do", err)
	}
}

func TestSplitFollowsWhatTestsLink(t *testing.T) {
	listing := "example.com/a\t\tfmt io\n" +
		"example.com/a [example.com/a.test]\texample.com/a\tfmt io heavy.io/x\n" +
		"example.com/a.test\t\tfmt\n" +
		"example.com/b\t\tfmt heavy.io/xy\n" +
		"example.com/c_test [example.com/c.test]\texample.com/c\theavy.io/x/y\n" +
		"example.com/d.test\t\tdrives.io/x fmt\n"
	light, heavy := split(listing, []string{"heavy.io/x", "drives.io"})
	if got := strings.Join(light, " "); got != "example.com/b" {
		t.Errorf("light: %s", got)
	}
	if got := strings.Join(heavy, " "); got != "example.com/a example.com/c example.com/d" {
		t.Errorf("heavy: %s", got)
	}
}
