package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
)

func records(t *testing.T) Report {
	t.Helper()
	r, err := Run(t.Context(), os.DirFS("testdata/hpa"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestEveryRecordHoldsThatIsNotInternal(t *testing.T) {
	r := records(t)
	if len(r.Files) != len(Files()) {
		t.Errorf("want all of %v", Files())
	}
	byHand, err := Run(t.Context(), os.DirFS("testdata/byhand"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.Files = append(r.Files, byHand.Files...)
	for _, f := range r.Files {
		passed, failed, internal := f.Count()
		t.Logf("%s: %d passed, %d failed, %d internal", f.Name, passed, failed, internal)
		for _, res := range f.Results {
			if res.Failed() {
				t.Errorf("%s: %s:\n  %s", f.Name, res.ID, strings.Join(res.Diffs, "\n  "))
			}
		}
	}
}

// A rule that nothing misses is a rule that no record has proved.
func TestEachRuleOfTheEngineIsMissedByARecord(t *testing.T) {
	for _, rule := range engine.UpstreamRules() {
		t.Run(rule.String(), func(t *testing.T) {
			var missed []string
			for _, dir := range []string{"testdata/hpa", "testdata/byhand"} {
				r, err := Run(t.Context(), os.DirFS(dir), Options{Without: []engine.Rule{rule}})
				if err != nil {
					t.Fatal(err)
				}
				for _, f := range r.Files {
					for _, res := range f.Results {
						if res.Failed() {
							missed = append(missed, res.ID)
						}
					}
				}
			}
			if len(missed) == 0 {
				t.Errorf("without %s every record still holds", rule)
			}
			t.Logf("without %s %d records fail, such as %s", rule, len(missed), strings.Join(missed[:min(3, len(missed))], ", "))
		})
	}
}

func TestFolder(t *testing.T) {
	misc, err := os.ReadFile("testdata/hpa/misc.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, tc := range []struct {
		name   string
		dir    fstest.MapFS
		failed int
		err    bool
	}{
		{"some_of_the_files_are_enough", fstest.MapFS{"misc.json": {Data: misc}}, 0, false},
		{"other_files_are_ignored", fstest.MapFS{"misc.json": {Data: misc}, "counts.json": {Data: []byte("?")}}, 0, false},
		{"no_file_at_all_is_an_error", fstest.MapFS{"counts.json": {Data: []byte("{}")}}, 0, true},
		{"a_file_that_is_no_list_is_an_error", fstest.MapFS{"misc.json": {Data: []byte("{}")}}, 0, true},
		{
			"an_unknown_function_fails",
			fstest.MapFS{"misc.json": {Data: []byte(`[{"id":"x","category":"misc","calls":[{"function":"f","input":{},"expected":{}}]}]`)}},
			1, false,
		},
		{"an_unknown_category_fails", fstest.MapFS{"misc.json": {Data: []byte(`[{"id":"x","category":"y"}]`)}}, 1, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			r, err := Run(t.Context(), tc.dir, Options{})
			if (err != nil) != tc.err {
				t.Fatalf("error: %v", err)
			}
			if _, failed, _ := r.Count(); failed != tc.failed {
				t.Errorf("want %d failed, got %d", tc.failed, failed)
			}
		})
	}
}

// unchecked are expectations that a change of one value need not break.
var unchecked = map[string]string{
	"trace":                   "for debugging, not part of the contract",
	"timestamp":               "carried along upstream, shown to nobody",
	"recommendations_after":   "slots: their effect is compared, and many have none",
	"scale_up_events_after":   "slots: their effect is compared, and many have none",
	"scale_down_events_after": "slots: their effect is compared, and many have none",
	"api_error":               "an input, the server's answer",
	"api_error_is_conflict":   "an input, the server's answer",
	"desired_error":           "compared as part of a longer text",
}

func TestCorruptedExpectationsFail(t *testing.T) {
	for _, dir := range []string{"hpa", "byhand"} {
		for _, name := range Files() {
			b, err := os.ReadFile(filepath.Join("testdata", dir, name))
			if errors.Is(err, fs.ErrNotExist) && dir == "byhand" {
				continue
			}
			if err != nil {
				t.Fatal(err)
			}
			t.Run(dir+"/"+name, func(t *testing.T) {
				rs, err := Records(name, b)
				if err != nil {
					t.Fatal(err)
				}
				tried := 0
				for _, r := range rs {
					if Replay(t.Context(), r, Options{}).Internal == "" {
						tried += corruptAll(t, r)
					}
				}
				t.Logf("%d corruptions, each noticed", tried)
			})
		}
	}
}

// corruptAll corrupts one expected value of a record after the other and wants
// each to be noticed.
func corruptAll(t *testing.T, r Record) (tried int) {
	t.Helper()
	try := func(what string, corrupt func(*Record)) {
		c := r
		c.Calls = append([]Call(nil), r.Calls...)
		corrupt(&c)
		tried++
		if !Replay(t.Context(), c, Options{}).Failed() {
			t.Errorf("%s: %s was corrupted and nothing fails", r.ID, what)
		}
	}
	switch {
	case r.Category == "metrics_client" || r.Category == "utilization_ratio":
		for path, b := range corruptions(t, r.Case, "desired_", "expected_") {
			try(path, func(c *Record) { c.Case = b })
		}
	case len(r.Calls) == 0:
		for path, b := range corruptions(t, r.Expected) {
			try(path, func(c *Record) { c.Expected = b })
		}
	}
	for i, call := range r.Calls {
		if internalCall(call) != "" {
			continue
		}
		for path, b := range corruptions(t, call.Expected) {
			if (path == ".reason" || path == ".message") && unusedReason(t, call) {
				continue
			}
			try(call.Function+path, func(c *Record) { c.Calls[i].Expected = b })
		}
	}
	return tried
}

// unusedReason is upstream's reason for a number that did not change, which its caller drops.
func unusedReason(t *testing.T, c Call) bool {
	t.Helper()
	in, exp, err := decodeBehavior(c)
	if err != nil {
		t.Fatal(err)
	}
	return exp.Stabilized != nil && *exp.Stabilized == in.Desired
}

// corruptions returns the value with one leaf changed, by the leaf's path; of
// an object only the keys with one of the prefixes.
func corruptions(t *testing.T, b json.RawMessage, prefixes ...string) map[string]json.RawMessage {
	t.Helper()
	v, err := same.Plain(b)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]json.RawMessage{}
	root := v
	hasError := false
	if m, ok := v.(map[string]any); ok {
		hasError = m["error"] != nil || m["desired_error"] != nil || m["expected_err"] != nil
	}
	each("", v, func(n any) { root = n }, func(path string, change, restore func()) {
		if !concerned(path, prefixes) || hasError && !strings.Contains(path, "err") && len(prefixes)+strings.Count(path, "conditions") == 0 && isCall(v) {
			return
		}
		if hasError && len(prefixes) > 0 && !strings.Contains(path, "err") {
			return // with an error upstream's tests look at nothing else
		}
		change()
		if b, err = json.Marshal(root); err != nil {
			t.Fatal(err)
		}
		restore()
		out[path] = b
	})
	return out
}

// isCall says that a value is what a function returned, whose results mean
// nothing beside an error.
func isCall(v any) bool {
	m, ok := v.(map[string]any)
	return ok && m["status_after"] == nil
}

func concerned(path string, prefixes []string) bool {
	parts := strings.Split(strings.TrimPrefix(path, "."), ".")
	for _, p := range parts {
		if _, skip := unchecked[strings.SplitN(p, "[", 2)[0]]; skip && (len(prefixes) == 0 || p != "timestamp") {
			return false
		}
	}
	if len(prefixes) == 0 {
		return true
	}
	for _, prefix := range prefixes {
		if strings.HasPrefix(parts[0], prefix) {
			return true
		}
	}
	return false
}

// each visits every leaf of a value with what it can be changed to. Set puts a
// value in its place.
func each(path string, v any, set func(any), visit func(path string, change, restore func())) {
	leaf := func(other any) {
		visit(path, func() { set(other) }, func() { set(v) })
	}
	switch v := v.(type) {
	case map[string]any:
		for k, x := range v {
			each(path+"."+k, x, func(n any) { v[k] = n }, visit)
		}
	case []any:
		for i, x := range v {
			each(fmt.Sprintf("%s[%d]", path, i), x, func(n any) { v[i] = n }, visit)
		}
		if len(v) > 0 {
			visit(path+"[less]", func() { set(v[:len(v)-1]) }, func() { set(v) })
		}
	case json.Number:
		leaf(json.Number("7" + strings.TrimPrefix(v.String(), "-")))
	case string:
		leaf(corruptText(v))
	case bool:
		leaf(!v)
	case nil:
		leaf("corrupted")
	}
}

// corruptText changes a text into another of its kind.
func corruptText(s string) string {
	if t, err := time.Parse(time.RFC3339, s); err == nil {
		return t.Add(time.Minute).Format(time.RFC3339)
	}
	return s + "x"
}
