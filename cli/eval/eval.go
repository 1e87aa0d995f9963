// Package eval answers what an HPA would do, offline: the user's YAML and a
// script of observations go through the loop and the engine that the operator
// runs, and out come decisions with their steps, and expectations that hold or
// do not.
package eval

import (
	"context"
	"fmt"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/policy"
)

// Run evaluates the documents of all files as one input. Its error names the
// file, the document and the field that cannot be used; expectations that do
// not hold are no error, see [Report.Failures].
func Run(ctx context.Context, files []File, o Options) (Report, error) {
	in, err := read(files)
	if err != nil {
		return Report{}, err
	}
	var r Report
	for _, s := range in.scripts {
		if err := s.play(ctx, o, &r); err != nil {
			return Report{}, err
		}
	}
	return r, nil
}

// Options change how decisions are made.
type Options struct {
	// Defaults stand in for the flags of the controller.
	Defaults policy.Defaults
	// Decide is the engine, or the engine without some of its rules.
	Decide loop.Decide
}

// script is one object and what was observed of its workload, in order.
type script struct {
	*subject
	observations []*observation
}

// play makes the decisions of a script and adds them to the report.
func (s *script) play(ctx context.Context, o Options, r *Report) error {
	c, err := s.compile(o.Defaults)
	if err != nil {
		return s.where.wrap(err)
	}
	w := newWorld(c, s.subject)
	l := &loop.Loop{Observer: w, Actuator: w, Recorder: w, Decide: o.Decide}
	if first := s.observations[0]; first.dated() {
		l.Restore(s.resume(first.from))
	} else {
		c.Policy.Activation.Created = time.Time{} // a date of the YAML is not on the script's clock
	}
	l.Use(c.Policy)
	r.Warnings = append(r.Warnings, s.warnings(c)...)
	for _, ob := range s.observations {
		if err := w.become(ob); err != nil {
			return ob.where.wrap(err)
		}
		if err := ob.remember(l); err != nil {
			return ob.where.wrap(err)
		}
		for at := ob.from; !at.After(ob.until); at = at.Add(ob.every) {
			if _, err := l.Tick(ctx, at); err != nil {
				return ob.where.wrap(err)
			}
			if err := ctx.Err(); err != nil {
				return err
			}
			last := at.Add(ob.every).After(ob.until)
			if d := w.last; last || d.Decision.From != d.Decision.To {
				r.Decisions = append(r.Decisions, newDecision(s, at.Sub(s.observations[0].from), d, l.History()))
			}
		}
		r.check(ob, w.last, l.History())
	}
	return nil
}

func (s *script) warnings(c policy.Compiled) []string {
	out := make([]string, 0, len(c.Warnings)+1)
	for _, w := range c.Warnings {
		out = append(out, fmt.Sprintf("%s: %s", s.title(), w))
	}
	if c.Mode == policy.Observe {
		out = append(out, fmt.Sprintf("%s: %s is %s: in a cluster Furl would not write these sizes", s.title(), api.AnnotationMode, api.ModeObserve))
	}
	return out
}

// Report is what came of the input.
type Report struct {
	// Decisions are those that changed the size, and the last of each observation.
	Decisions []Decision `json:"decisions"`
	// Warnings are sentences about YAML that works otherwise than it reads.
	Warnings []string `json:"warnings,omitempty"`
	// Expectations counts what was expected, Failures says what did not come true.
	Expectations int      `json:"expectations"`
	Failures     []string `json:"failures,omitempty"`
}

// Decision is one decision as it is printed.
type Decision struct {
	// HPA or ScaledObject is whose decision it is.
	HPA          string `json:"hpa,omitempty"`
	ScaledObject string `json:"scaledObject,omitempty"`
	// After is the time since the first observation, such as 1m30s.
	After string `json:"after"`
	From  int32  `json:"from"`
	To    int32  `json:"to"`
	// Held says that failing signals kept the size.
	Held  bool   `json:"held,omitempty"`
	Steps []Step `json:"steps"`
	// Conditions and Event are what a ScaledObject shows: Active, Ready, Fallback
	// and Paused with their reasons, and that it was woken or rests.
	Conditions map[string]string `json:"conditions,omitempty"`
	Event      string            `json:"event,omitempty"`
	// Next is the time since the first observation at which the answer may
	// change without new data; empty means none.
	Next string `json:"next,omitempty"`
}

// Step is one rule's effect.
type Step struct {
	Rule   string `json:"rule"`
	Signal string `json:"signal,omitempty"`
	Before int32  `json:"before"`
	After  int32  `json:"after"`
	Text   string `json:"text"`
}

func newDecision(s *script, after time.Duration, r loop.Record, h engine.History) Decision {
	d := r.Decision
	out := Decision{HPA: s.title(), After: after.String(), From: d.From, To: d.To, Held: d.Held}
	if s.kind == "ScaledObject" {
		out.HPA, out.ScaledObject = "", s.title()
		out.Conditions = reasons(conditions(r, h))
		if e, ok := d.ActivationEvent(s.workload(), nil); ok {
			out.Event = e.Reason + ": " + e.Message
		}
	}
	for _, st := range d.Steps {
		out.Steps = append(out.Steps, newStep(st))
	}
	if !d.Next.IsZero() {
		out.Next = (after + d.Next.Sub(d.At)).Round(time.Millisecond).String()
	}
	return out
}

func newStep(s engine.Step) Step {
	return Step{Rule: s.Rule.String(), Signal: s.Signal, Before: s.Before, After: s.After, Text: sentence(s)}
}

// sentence is why a step did what it did, with the signal's name where there is one.
func sentence(s engine.Step) string {
	if s.Signal == "" {
		return s.Why()
	}
	return s.Signal + ": " + s.Why()
}
