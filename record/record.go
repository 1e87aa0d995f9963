// Package record remembers what was decided, on what grounds, and what came of
// it: an incident can be read, exported and replayed to the same decision.
//
// A [Book] keeps the records of all workloads within one budget of bytes. The
// latest record and the last change of each workload always stay; of the rest
// the oldest go first. Decisions that repeat the one before, for the same
// reasons, share one record, so that a quiet night does not push out the evening.
package record

import (
	"fmt"
	"slices"
	"time"
	"unsafe"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// Workload names the object that asked for scaling.
type Workload struct {
	Namespace string `json:"namespace"`
	Kind      string `json:"kind"` // short and lower case: hpa
	Name      string `json:"name"`
}

// String returns namespace/kind/name.
func (w Workload) String() string { return w.Namespace + "/" + w.Kind + "/" + w.Name }

// Record is what a workload's loop decided at one instant.
type Record struct {
	Workload
	loop.Record
	// Since is when the first of Alike decisions in a row was made, of which
	// this is the latest: same size, same rules for the same signals.
	Since time.Time
	Alike int
}

// Replay decides again from what the record was decided from. It fails for a
// record that holds no decision, and for one that was read back with a formula
// until [Record.Compile] was called.
func Replay(r Record) (engine.Decision, error) {
	if r.Outcome == loop.Unseen {
		return engine.Decision{}, fmt.Errorf("replay %s of %s: nothing was decided: %w", r.Workload, r.At.Format(time.RFC3339Nano), r.Err)
	}
	if _, text := r.Policy.Composite.Formula.(FormulaText); text {
		return engine.Decision{}, fmt.Errorf("replay %s of %s: %w", r.Workload, r.At.Format(time.RFC3339Nano), errTextOnly)
	}
	d, _ := engine.Decide(r.Policy, r.Seen, r.Past)
	return d, nil
}

// changes reports whether the decision was to move the size. One that a freeze
// kept from moving anything is repeated for as long as the freeze lasts.
func changes(r *loop.Record) bool {
	return r.Outcome != loop.Unseen && r.Outcome != loop.Frozen && r.Decision.From != r.Decision.To
}

// alike reports whether b decides what a did, for the same reasons; only the
// numbers may differ.
func alike(a, b *loop.Record) bool {
	return !changes(b) && a.Outcome == b.Outcome && a.Decision.From == b.Decision.From && a.Decision.To == b.Decision.To &&
		a.Freeze == b.Freeze && a.Observe == b.Observe &&
		said(a.Err) == said(b.Err) && said(a.Unread) == said(b.Unread) &&
		slices.EqualFunc(a.Decision.Steps, b.Decision.Steps, func(x, y engine.Step) bool {
			return x.Rule == y.Rule && x.Case == y.Case && x.Signal == y.Signal && x.After == y.After
		})
}

func said(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// own returns a copy that shares nothing with what the loop goes on to use,
// but what nobody modifies: policies and histories.
func own(r loop.Record) loop.Record {
	r.Seen.Readings = slices.Clone(r.Seen.Readings)
	r.Decision.Steps = slices.Clone(r.Decision.Steps)
	r.Decision.Proposals = slices.Clone(r.Decision.Proposals)
	r.Decision.Activity = slices.Clone(r.Decision.Activity)
	return r
}

// weigh returns about how many bytes the record keeps alive. What it shares
// with its neighbours, the policy and parts of the history, is counted in full.
func weigh(r *Record) int64 {
	n := int(unsafe.Sizeof(entry{})) + len(said(r.Err)) + len(said(r.Unread)) + len(r.Freeze)
	n += len(r.Policy.Signals) * int(unsafe.Sizeof(engine.Signal{}))
	n += (len(r.Policy.Up.Limits) + len(r.Policy.Down.Limits)) * int(unsafe.Sizeof(engine.Limit{}))
	n += (len(r.Past.Low) + len(r.Past.High)) * int(unsafe.Sizeof(engine.Want{}))
	n += len(r.Past.Resizes) * int(unsafe.Sizeof(engine.Resize{}))
	n += len(r.Past.Failures) * int(unsafe.Sizeof(engine.Failure{}))
	n += len(r.Policy.Composite.Inputs) * int(unsafe.Sizeof(engine.Input{}))
	n += len(r.Decision.Activity) * int(unsafe.Sizeof(engine.SignalActivity{}))
	for i := range r.Seen.Readings {
		n += int(unsafe.Sizeof(engine.Reading{})) + len(r.Seen.Readings[i].Missing) + len(r.Seen.Readings[i].Usage.Fault)
	}
	for i := range r.Decision.Steps {
		n += int(unsafe.Sizeof(engine.Step{})) + len(r.Decision.Steps[i].Note)
	}
	for i := range r.Decision.Proposals {
		n += int(unsafe.Sizeof(engine.Proposal{})) + len(r.Decision.Proposals[i].Missing)
	}
	return int64(n)
}
