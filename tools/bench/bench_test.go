package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// module writes files into a new module and returns its folder.
func module(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	files["go.mod"] = "module example.com/m\n\ngo 1.26\n"
	for name, text := range files {
		name = filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestRun_says_what_each_figure_is_the_figure_of(t *testing.T) {
	root := module(t, map[string]string{
		"fast/fast.go": "// Package fast is quick. It has more to say.\npackage fast\n",
		"fast/fast_test.go": `package fast

import "testing"

// BenchmarkNothing is what a loop costs
// by itself.
//
// Not shown.
func BenchmarkNothing(b *testing.B) {
	for _, n := range []string{"small", "large"} {
		b.Run("size="+n, func(b *testing.B) {
			for b.Loop() {
			}
			b.ReportMetric(7, "things")
		})
	}
}

func BenchmarkTwice_in_a_row(b *testing.B) { for b.Loop() {} }

func helper() {}
`,
		"quiet/quiet.go":     "// Package quiet has no benchmarks.\npackage quiet\n",
		"other/go.mod":       "module example.com/other\n",
		"other/o_test.go":    "package other\n\nimport \"testing\"\n\nfunc BenchmarkOther(b *testing.B) {}\n",
		"testdata/t_test.go": "not go",
	})
	var out strings.Builder
	if err := run(t.Context(), options{root: root, bench: ".", time: "10x", count: 3}, &out); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	for _, want := range []string{
		"fast is quick.\n  what a loop costs by itself.\n    size=small  ",
		"\n    size=large  ", " 0 B  0 allocs", "  7 things",
		"\n  Twice in a row\n", "each the median of 3",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in:\n%s", want, got)
		}
	}
	for _, no := range []string{"quiet", "Other", "Not shown"} {
		if strings.Contains(got, no) {
			t.Errorf("%q in:\n%s", no, got)
		}
	}
}

func TestRun_fails_when_a_benchmark_does_or_none_runs(t *testing.T) {
	broken := module(t, map[string]string{"a_test.go": "package a\n\nimport \"testing\"\n\nfunc BenchmarkA(b *testing.B) { b.Fatal(\"boom\") }\n"})
	for why, c := range map[string]struct{ root, bench, want string }{
		"it fails":             {broken, ".", "boom"},
		"none matches":         {broken, "^BenchmarkZ$", `no benchmark matches "^BenchmarkZ$"`},
		"there is no such one": {t.TempDir(), ".", "no benchmark at or below"},
	} {
		var out strings.Builder
		err := run(t.Context(), options{root: c.root, bench: c.bench, time: "1x", count: 1}, &out)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", why, err, c.want)
		}
	}
}

func TestParse_skips_what_is_no_figure(t *testing.T) {
	all := parse(`goos: linux
cpu: A CPU-2
BenchmarkA/b=1-2 	  100	  1500 ns/op	  2.50 MB/s	  16 B/op	  1 allocs/op
BenchmarkA/b=1-2 	  100	  1100 ns/op	  2.00 MB/s	  16 B/op	  1 allocs/op
BenchmarkA/b=1-2 	  100	  9000 ns/op	  1.00 MB/s	  16 B/op	  1 allocs/op
BenchmarkA said something odd
       6	  38026164 things	 12 ns/op
BenchmarkB-x 	I1123 14:49:04.434141   13766 serving.go:411] a log line
another
       6	  2 ns/op
       7	  3 ns/op
PASS
`)
	if len(all) != 2 || all[0].name != "A/b=1" || all[1].name != "B-x" {
		t.Fatalf("%+v, want A/b=1 and B-x", all)
	}
	if got, want := all[1].text(), "\t2ns"; got != want {
		t.Errorf("after a log %q, want %q", got, want)
	}
	if got, want := all[0].text(), "\t1.5µs (1.1µs to 9µs)\t2 MB/s\t16 B\t1 allocs"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestIn_keeps_three_digits(t *testing.T) {
	for v, want := range map[float64]string{2.345: "2.35ns", 99: "99ns", 123.9: "123ns", 12_345: "12.3µs", 1_234_567: "1.23ms", 59_999_999_999: "1m0s"} {
		if got := in("ns/op", v); got != want {
			t.Errorf("%g ns is %s, want %s", v, got, want)
		}
	}
}
