package keda

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/furl-dev/furl/engine"
)

const folder21 = "../testdata/keda"

func TestRecords_hold_or_differ_on_purpose(t *testing.T) {
	r, err := Run(t.Context(), os.DirFS(folder21), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(r.Files) != len(Files()) {
		t.Errorf("want all of %v", Files())
	}
	for _, f := range r.Files {
		c := f.Count()
		t.Logf("%s: %s", f.Name, c)
		for _, res := range f.Results {
			if res.Row == rowOlder { // two states of one object in one record
				c.Different--
			}
		}
		if ran := len(f.Results) - c.Later; (c.Different-placeholders(f))*20 > ran {
			t.Errorf("%s: %d of %d are different, which is more than one in twenty", f.Name, c.Different, ran)
		}
		for _, res := range f.Results {
			if res.Failed() {
				t.Errorf("%s: %s:\n  %s", f.Name, res.ID, strings.Join(res.Diffs, "\n  "))
			}
		}
	}
}

// placeholders counts records of admission whose triggers have settings that
// nobody could use, such as a cron without a start: KEDA's webhook does not look,
// so their authors filled in anything.
func placeholders(f File) (n int) {
	for i := range f.Results {
		if f.Results[i].Row == rowSettings {
			n++
		}
	}
	return n
}

// A rule that nothing misses is a rule that no record has proved.
func TestRules_that_only_ScaledObjects_know_are_each_missed_by_a_record(t *testing.T) {
	decisions := fstest.MapFS{}
	for _, name := range Files()[:7] { // the others decide nothing
		b, err := os.ReadFile(filepath.Join(folder21, name))
		if err != nil {
			t.Fatal(err)
		}
		decisions[name] = &fstest.MapFile{Data: b}
	}
	for _, rule := range engine.Rules() {
		if rule == engine.RuleAsleep {
			break // from here on an HPA knows them, too
		}
		t.Run(rule.String(), func(t *testing.T) {
			r, err := Run(t.Context(), decisions, Options{Without: []engine.Rule{rule}})
			if err != nil {
				t.Fatal(err)
			}
			n := r.Count().Failed
			if n == 0 {
				t.Errorf("without %s every record still holds", rule)
			}
			t.Logf("without %s %d records fail", rule, n)
		})
	}
}

func TestRun_reads_the_folders_that_there_are(t *testing.T) {
	rules, err := os.ReadFile(filepath.Join(folder21, "object_rules.json"))
	if err != nil {
		t.Fatal(err)
	}
	one := func(record string) fstest.MapFS {
		return fstest.MapFS{"handler.json": {Data: []byte("[" + record + "]")}}
	}
	for _, tc := range []struct {
		why    string
		dir    fstest.MapFS
		failed int
		err    bool
	}{
		{"some of the files are enough", fstest.MapFS{"object_rules.json": {Data: rules}}, 0, false},
		{"other files are ignored", fstest.MapFS{"object_rules.json": {Data: rules}, "counts.json": {Data: []byte("?")}}, 0, false},
		{"no file at all is an error", fstest.MapFS{"counts.json": {Data: []byte("{}")}}, 0, true},
		{"a file that is no list is an error", fstest.MapFS{"handler.json": {Data: []byte("{}")}}, 0, true},
		{"an unknown category fails", one(`{"id":"x","category":"handler/x","input":{},"expected":{}}`), 1, false},
		{"an expectation that nobody checks fails", one(`{"id":"x","category":"object_rules/x","input":{"question":"paused by annotation?","object":{}},"expected":{"result":false,"more":1}}`), 1, false},
		{"a question that nobody knows fails", one(`{"id":"x","category":"object_rules/x","input":{"question":"why?","object":{}},"expected":{"result":false}}`), 1, false},
		{"input of another shape fails", one(`{"id":"x","category":"object_rules/x","input":[],"expected":{"result":false}}`), 1, false},
	} {
		r, err := Run(t.Context(), tc.dir, Options{})
		if (err != nil) != tc.err {
			t.Errorf("%s: error %v", tc.why, err)
		}
		if n := r.Count().Failed; n != tc.failed {
			t.Errorf("%s: %d failed, want %d", tc.why, n, tc.failed)
		}
	}
}

func TestReport_prints_each_record_that_is_not_as_KEDA_has_it(t *testing.T) {
	r := Report{Files: []File{{Name: "a.json", Results: []Result{
		{ID: "good"},
		{ID: "bad", Diffs: []string{"x: want 1, got 2", "y: want 3, got 4"}},
		{ID: "other", Diffs: []string{"x: want 1, got 2"}, Row: "a row"},
		{ID: "soon", Category: "webhook", Later: Later{Reason: "webhooks come later"}},
	}}}}
	var out strings.Builder
	if err := r.Write(&out); err != nil {
		t.Fatal(err)
	}
	want := `FAIL a.json: bad
     x: want 1, got 2
     y: want 3, got 4
a.json: 1 passed, 1 failed, 1 different, 1 later
total: 1 passed, 1 failed, 1 different, 1 later
different a.json: other: docs/compatibility.md, "a row"
later a.json: webhook: soon: webhooks come later
`
	if out.String() != want {
		t.Errorf("got\n%s\nwant\n%s", out.String(), want)
	}
}

func TestDifference_covers_what_its_row_is_about_and_nothing_else(t *testing.T) {
	d := Difference{Row: "row", Of: []string{"effects", "condition Ready"}}
	for diff, want := range map[string]bool{
		"effects: want [], got [2]": true, "condition Ready.status: want True": true, "condition Active.status: want True": false, "error: want": false,
	} {
		if got := d.covers([]string{diff}); got != want {
			t.Errorf("%s: covered %v", diff, got)
		}
	}
	if d.covers([]string{"effects", "error"}) || (Difference{}).covers([]string{"effects"}) {
		t.Error("covers too much")
	}
}

func TestRows_are_those_of_the_page(t *testing.T) {
	page, err := os.ReadFile("../../docs/compatibility.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, row := range []string{rowPausedAt, rowRefused, rowTarget, rowUnfit, rowOlder, rowXML, rowSettings} {
		if !strings.Contains(string(page), "\n| "+row) {
			t.Errorf("docs/compatibility.md has no row %q", row)
		}
	}
}

// unchecked are expectations that a change of one value need not break.
func unchecked() map[string]string {
	return map[string]string{
		"upstream_error_text":       "KEDA's wording",
		"error":                     "KEDA's wording: whether there is one is compared",
		"message":                   "wording, where a condition of a paused object has another",
		"status_patched":            "KEDA's writes: Furl writes at a pace of its own",
		"status_patch":              "as above",
		"status_patch_server_error": "as above",
		"values_by_go_field":        "the same values by other names",
		"formula_as_compiled":       "compared only for formulas that compile",
		"rule":                      "what metric_reason says, in a sentence",
	}
}

func TestCorrupted_expectations_are_noticed(t *testing.T) {
	for _, name := range Files() {
		b, err := os.ReadFile(filepath.Join(folder21, name))
		if err != nil {
			t.Fatal(err)
		}
		t.Run(name, func(t *testing.T) {
			rs, err := Records(name, b)
			if err != nil {
				t.Fatal(err)
			}
			c := corruption{tried: map[string]int{}}
			for _, r := range rs {
				if res := Replay(t.Context(), r, Options{}); res.Later.Reason == "" && !res.Different() {
					c.all(t, r)
				}
			}
			t.Logf("%d corruptions of %d kinds", c.total, len(c.tried))
		})
	}
}

// enough is how many records of a kind are corrupted in each of their places.
const enough = 4

type corruption struct {
	tried map[string]int // by category and place
	total int
}

// all corrupts one expected value of a record after the other and wants each
// to be noticed.
func (c *corruption) all(t *testing.T, r Record) {
	t.Helper()
	var v any
	if err := json.Unmarshal(r.Expected, &v); err != nil {
		t.Fatal(err)
	}
	root := v
	each("", v, func(n any) { root = n }, func(place string, change, restore func()) {
		if c.tried[r.Category+place] == enough || place == "" {
			return
		}
		for part := range strings.SplitSeq(place, ".") {
			if _, skip := unchecked()[strings.TrimSuffix(part, "[]")]; skip {
				return
			}
		}
		c.tried[r.Category+place]++
		c.total++
		change()
		corrupt := r
		var err error
		if corrupt.Expected, err = json.Marshal(root); err != nil {
			t.Fatal(err)
		}
		restore()
		if len(Replay(t.Context(), corrupt, Options{}).Diffs) == 0 {
			t.Errorf("%s: %s was corrupted and nothing fails: %s", r.ID, place, corrupt.Expected)
		}
	})
}

// each visits every leaf of a value with what it can be changed to. Set puts a
// value in its place.
func each(place string, v any, set func(any), visit func(place string, change, restore func())) {
	leaf := func(other any) {
		visit(place, func() { set(other) }, func() { set(v) })
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			each(place+"."+k, x, func(n any) { v[k] = n }, visit)
		}
	case []any:
		for i, x := range v {
			each(place+"[]", x, func(n any) { v[i] = n }, visit)
		}
	case float64:
		leaf(v + 7)
	case string:
		leaf(corruptText(v))
	case bool:
		leaf(!v)
	}
}

// corruptText changes a text into another of its kind.
func corruptText(s string) string {
	if len(s) > 0 && s[0] >= '0' && s[0] <= '9' {
		return "7" + s
	}
	return s + "x"
}
