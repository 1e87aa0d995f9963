// Package keda replays what KEDA was seen to do through the code that the
// operator runs, with fakes at its ports only, and says where the two differ,
// on purpose or not. It holds no arithmetic of its own.
package keda

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

	"github.com/furl-dev/furl/conformance/same"
	"github.com/furl-dev/furl/engine"
)

// Options change how records are replayed.
type Options struct {
	// Without switches rules of the engine off, to prove that records notice.
	Without []engine.Rule
}

// Files are the names of the files that [Run] knows, in the order it reads
// them. A folder may lack some and may hold others.
func Files() []string {
	return []string{
		"scaledobject_executor.json", "extra_scaledobject_executor.json",
		"fallback.json", "extra_fallback.json", "modifiers.json", "extra_modifiers.json", "handler.json",
		"typed_config.json", "extra_typed_config.json", "resolver.json", "object_rules.json",
		"trigger_parse.json", "metric_names.json", "trigger_functions.json",
		"webhook.json", "extra_webhook.json", "hpa.json",
		"scaledjob_executor.json", "extra_scaledjob_executor.json", "scaledjob_metrics.json", "extra_scaledjob_metrics.json",
	}
}

// Run replays every record of the known files in dir. Records that do not hold
// are in the report; the error is about files that cannot be read.
func Run(ctx context.Context, dir fs.FS, o Options) (Report, error) {
	var r Report
	for _, name := range Files() {
		b, err := fs.ReadFile(dir, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return r, fmt.Errorf("records: %w", err)
		}
		rs, err := Records(name, b)
		if err != nil {
			return r, err
		}
		f := File{Name: name}
		for i := range rs {
			f.Results = append(f.Results, Replay(ctx, rs[i], o))
		}
		r.Files = append(r.Files, f)
	}
	if len(r.Files) == 0 {
		return r, fmt.Errorf("records: none of %v is there", Files())
	}
	return r, nil
}

// Record is one observation of KEDA.
type Record struct {
	ID       string          `json:"id"`
	Category string          `json:"category"`
	Input    json.RawMessage `json:"input"`
	Expected json.RawMessage `json:"expected"`
}

// Records decodes a file of records.
func Records(name string, b []byte) ([]Record, error) {
	var rs []Record
	if err := json.Unmarshal(b, &rs); err != nil {
		return nil, fmt.Errorf("records of %s: %w", name, err)
	}
	return rs, nil
}

// Replay replays one record. One that holds has passed, whatever the lists of
// exceptions say; one that does not has failed, unless all that differs is
// listed as a difference on purpose.
func Replay(ctx context.Context, r Record, o Options) Result {
	res := Result{ID: r.ID, Category: r.Category}
	if why := later(r); why.Reason != "" {
		res.Later = why
		return res
	}
	replay, known := replays(r.Category)
	if !known {
		res.Diffs = []string{fmt.Sprintf("category %q is not known to the runner", r.Category)}
		return res
	}
	diffs, err := replay(ctx, r, o)
	if err != nil {
		res.Diffs = []string{"not replayed: " + err.Error()}
		return res
	}
	if len(diffs) == 0 {
		return res
	}
	res.Diffs = diffs
	if d := different(r); d.covers(diffs) {
		res.Row = d.Row
	}
	return res
}

// replay says where a record does not hold. The error is of a record that
// cannot be understood.
type replay func(context.Context, Record, Options) ([]string, error)

// into decodes the two halves of a record; what it expects beyond the keys
// that the runner checks is an error.
func into[I, E any](r Record, keys ...string) (in I, exp E, err error) {
	if err = json.Unmarshal(r.Input, &in); err != nil {
		return in, exp, fmt.Errorf("input: %w", err)
	}
	if err = json.Unmarshal(r.Expected, &exp); err != nil {
		return in, exp, fmt.Errorf("expected: %w", err)
	}
	return in, exp, understood(r.Expected, keys)
}

// refusal compares whether there was an error. What was made is to be compared
// only if there was none on either side.
func refusal(part string, want bool, got error) (diffs []string, made bool) { //nolint:revive // flag-parameter: it is what is compared
	d := same.Differences(part, want, got != nil)
	if got != nil && !want {
		d = append(d, part+": "+got.Error())
	}
	return d, got == nil && !want
}

func understood(expected json.RawMessage, keys []string) error {
	var all map[string]json.RawMessage
	if err := json.Unmarshal(expected, &all); err != nil {
		return fmt.Errorf("expected: %w", err)
	}
	for _, k := range keys {
		delete(all, k)
	}
	for k := range all {
		return fmt.Errorf("expected.%s is not known to the runner", k)
	}
	return nil
}
