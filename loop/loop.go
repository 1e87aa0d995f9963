// Package loop joins reading, deciding and acting for one workload.
//
// The operator gives a [Loop] the cluster and the real clock, the simulator a
// model and a virtual one. Neither has a rule of its own.
package loop

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/furl-dev/furl/engine"
)

// ErrMoved is what an [Actuator] answers when the workload no longer has the
// size it was decided from; the next tick decides again.
var ErrMoved = errors.New("the size moved meanwhile")

// Observer sees one workload.
type Observer interface {
	// Size returns the wanted and the existing replicas. It fails when the
	// workload cannot be found or has no scale.
	Size(ctx context.Context) (engine.Replicas, error)
	// Read measures every sensor of p as of the given instant: one reading a
	// signal, a failed one with its reason. It fails only when no signal can
	// be read at all, such as for a selector shared with another autoscaler.
	Read(ctx context.Context, at time.Time, p engine.Policy) ([]engine.Reading, error)
}

// Actuator moves a workload from one size to another. It fails with [ErrMoved]
// when the workload no longer has size from and must be decided again.
type Actuator interface {
	Scale(ctx context.Context, from, to int32) error
}

// Recorder keeps what was decided, on what grounds, and what came of it. It
// sees every tick, also one that could not decide.
type Recorder interface {
	Record(ctx context.Context, r Record) error
}

// Decide is the signature of [engine.Decide], so that a question like "what
// without stabilization?" can be asked of the same loop.
type Decide func(engine.Policy, engine.Observation, engine.History) (engine.Decision, engine.History)

// Outcome says what came of a decision. The set is closed.
type Outcome string

// What can come of a decision.
const (
	Unchanged Outcome = "unchanged" // the size is right
	Scaled    Outcome = "scaled"    // the new size was written
	Observed  Outcome = "observed"  // a new size was wanted and, in observe mode, not written
	Frozen    Outcome = "frozen"    // a new size was wanted and, because of a freeze, not written, see Freeze
	Failed    Outcome = "failed"    // the write failed, see Err
	Unseen    Outcome = "unseen"    // the workload's size could not be read, see Err; there is no decision
)

// Record is enough to repeat a decision: feeding Policy, Seen and Past to
// [engine.Decide] gives Decision again.
type Record struct {
	At       time.Time
	Policy   engine.Policy
	Seen     engine.Observation
	Past     engine.History
	Decision engine.Decision
	Outcome  Outcome
	// Freeze says who lets no size be written, why and how long; empty: sizes may be written.
	Freeze string
	// Observe says that nothing would have been written, whatever was decided.
	Observe bool
	// Err is why the size could not be read (Unseen), or written (Failed).
	Err error
	// Unread is why no signal could be read at all; Seen then holds a missing reading for each.
	Unread error
}

// Loop is the shared shell around the engine for one workload. It is not safe
// for concurrent use; package schedule runs each loop in one goroutine at a time.
type Loop struct {
	Observer Observer
	Actuator Actuator
	Recorder Recorder
	// Decide is [engine.Decide] unless set.
	Decide Decide
	// Observe decides and records, and writes nothing.
	Observe bool
	// Freeze says why no size may be written now; empty, or a nil Freeze: it may.
	// It is asked last, just before a write.
	Freeze func() string

	policy engine.Policy
	past   engine.History
}

// Use makes p the policy of the next tick.
func (l *Loop) Use(p engine.Policy) { l.policy = p }

// Policy returns the policy in use.
func (l *Loop) Policy() engine.Policy { return l.policy }

// Restore sets the history, such as one read back from a status or a record.
func (l *Loop) Restore(h engine.History) { l.past = h }

// History returns the history after the last tick.
func (l *Loop) History() engine.History { return l.past }

// Tick performs one evaluation at the given instant and returns when the next
// one is due if no new data comes; zero means only then.
func (l *Loop) Tick(ctx context.Context, at time.Time) (next time.Time, err error) {
	r := Record{At: at, Policy: l.policy, Past: l.past, Observe: l.Observe}
	size, err := l.Observer.Size(ctx)
	if err != nil {
		r.Outcome, r.Err = Unseen, err
		return time.Time{}, errors.Join(err, l.record(ctx, r))
	}
	r.Seen, r.Unread = l.observe(ctx, at, size)
	var h engine.History
	r.Decision, h = l.decide()(l.policy, r.Seen, l.past)
	l.past = l.act(ctx, &r, h)
	return r.Decision.Next, errors.Join(r.Err, r.Unread, l.record(ctx, r))
}

// observe reads the signals, unless the decision does not depend on them.
func (l *Loop) observe(ctx context.Context, at time.Time, size engine.Replicas) (engine.Observation, error) {
	o := engine.Observation{At: at, Replicas: size}
	if !engine.NeedsReadings(l.policy, size, l.past) {
		return o, nil
	}
	readings, err := l.Observer.Read(ctx, at, l.policy)
	if err != nil {
		readings = unread(l.policy.Sensors(), err)
	}
	o.Readings = readings
	return o, err
}

func unread(signals []engine.Signal, why error) []engine.Reading {
	rs := make([]engine.Reading, len(signals))
	for i, s := range signals {
		rs[i] = engine.Reading{Signal: s.Name, Missing: why.Error()}
	}
	return rs
}

// act writes the new size, if there is one, and returns the history that follows.
func (l *Loop) act(ctx context.Context, r *Record, h engine.History) engine.History {
	d := r.Decision
	r.Freeze = l.freeze()
	switch {
	case d.To == d.From:
		r.Outcome = Unchanged
		return h
	case l.Observe:
		r.Outcome = Observed
		return h
	case r.Freeze != "":
		r.Outcome = Frozen
		return h
	}
	if err := l.Actuator.Scale(ctx, d.From, d.To); err != nil {
		r.Outcome, r.Err = Failed, fmt.Errorf("scale from %d to %d: %w", d.From, d.To, err)
		return h
	}
	r.Outcome = Scaled
	return engine.Applied(r.Policy, d, h)
}

func (l *Loop) freeze() string {
	if l.Freeze == nil {
		return ""
	}
	return l.Freeze()
}

func (l *Loop) decide() Decide {
	if l.Decide != nil {
		return l.Decide
	}
	return engine.Decide
}

func (l *Loop) record(ctx context.Context, r Record) error {
	if l.Recorder == nil {
		return nil
	}
	return l.Recorder.Record(ctx, r)
}
