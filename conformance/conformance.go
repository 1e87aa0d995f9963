// Package conformance replays what upstream's HPA controller was seen to do
// through the code that the operator runs, with fakes at its ports only, and
// says where the two differ. It holds no arithmetic of its own.
package conformance

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"

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
		"reconcile.json", "replica_calculator.json", "behavior.json", "pods_and_requests.json",
		"metrics_client.json", "misc.json", "utilization_ratio.json", "controller_facts.json",
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
		f, err := replayFile(ctx, name, b, o)
		if err != nil {
			return r, err
		}
		r.Files = append(r.Files, f)
	}
	if len(r.Files) == 0 {
		return r, fmt.Errorf("records: none of %v is there", Files())
	}
	return r, nil
}

// Record is one observation of upstream.
type Record struct {
	ID       string          `json:"id"`
	Category string          `json:"category"`
	Passed   bool            `json:"upstream_test_passed"`
	Input    json.RawMessage `json:"input"`
	Expected json.RawMessage `json:"expected"`
	Calls    []Call          `json:"calls"`
	Case     json.RawMessage `json:"upstream_case"`
	Source   struct {
		Test string `json:"test"`
	} `json:"source"`
}

// Call is one call of one of upstream's functions.
type Call struct {
	Function string          `json:"function"`
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

func replayFile(ctx context.Context, name string, b []byte, o Options) (File, error) {
	rs, err := Records(name, b)
	if err != nil {
		return File{}, err
	}
	f := File{Name: name}
	for i := range rs {
		f.Results = append(f.Results, Replay(ctx, rs[i], o))
	}
	return f, nil
}

// Replay replays one record.
func Replay(ctx context.Context, r Record, o Options) Result {
	res := Result{ID: r.ID}
	if why := internalRecord(r); why != "" {
		res.Internal = why
		return res
	}
	switch r.Category {
	case "reconcile":
		res.note(replayReconcile(ctx, r, o))
	case "metrics_client":
		res.note(replayClient(ctx, r))
	case "utilization_ratio":
		res.note(replayRatio(ctx, r, o))
	default:
		replayCalls(ctx, r, o, &res)
	}
	return res
}

// replayCalls replays the function calls of a record. It is internal if all of
// its calls are.
func replayCalls(ctx context.Context, r Record, o Options, res *Result) {
	if len(r.Calls) == 0 {
		res.note([]string{"the record has neither a known category nor calls"}, nil)
		return
	}
	internal := 0
	for _, c := range r.Calls {
		if why := internalCall(c); why != "" {
			res.Internal = why
			internal++
			continue
		}
		diffs, err := replayCall(ctx, c, o)
		for i := range diffs {
			diffs[i] = c.Function + ": " + diffs[i]
		}
		res.note(diffs, err)
	}
	if internal < len(r.Calls) {
		res.Internal = ""
	}
}

func replayCall(ctx context.Context, c Call, o Options) ([]string, error) {
	switch c.Function {
	case "GetResourceReplicas", "GetRawResourceReplicas", "GetMetricReplicas",
		"GetObjectMetricReplicas", "GetObjectPerPodMetricReplicas",
		"GetExternalMetricReplicas", "GetExternalPerPodMetricReplicas":
		return replayCalculator(ctx, c, o)
	case "groupPods":
		return replayGroup(ctx, c, o)
	case "calculateRequests", "calculatePodRequestsFromContainers", "calculatePodLevelRequests":
		return replayRequests(c)
	case "stabilizeRecommendation", "stabilizeRecommendationWithBehaviors":
		return replayStabilise(c, o)
	case "convertDesiredReplicasWithRules", "convertDesiredReplicasWithBehaviorRate":
		return replayLimits(c, o)
	case "getReplicasChangePerPeriod":
		return replayChange(c, o)
	case "storeScaleEvent":
		return replayStore(c)
	case "buildQuantity":
		return replayQuantity(c)
	default:
		return nil, fmt.Errorf("function %q is not known to the runner", c.Function)
	}
}
