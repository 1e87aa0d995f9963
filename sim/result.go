package sim

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// Result is what a run gave.
type Result struct {
	Points  []Point  // one for each decision
	Changes []Change // of size
	Score   Score
}

// Point is the world as one decision saw and left it.
type Point struct {
	At          time.Duration // since the start of the run
	Rate        float64       // requests a second that came until now
	Queue       float64       // requests that wait
	Utilization int32         // percent of the requests, as the decision saw it
	Known       bool          // the decision had a reading; without one Utilization says nothing
	Ready       int32         // pods
	From, To    int32         // size before and after
}

// Change is one change of size and the rule that had the last word in it.
type Change struct {
	At       time.Duration // since the start of the run
	From, To int32
	Rule     engine.Rule
}

// Score says what the run cost and what its users felt.
type Score struct {
	Requests   float64 // that came
	Served     float64
	Refused    float64 // because the queue was full
	Late       float64 // that waited for longer than the service's patience
	PodSeconds float64 // of pods that existed, ready or not
	Peak       int32   // the largest size
	Starts     int     // pods that were created
}

// Violations is the share of requests that were refused or late.
func (s Score) Violations() float64 {
	if s.Requests == 0 {
		return 0
	}
	return (s.Refused + s.Late) / s.Requests
}

// Record implements loop.Recorder.
func (w *world) Record(_ context.Context, r loop.Record) error {
	d := r.Decision
	p := Point{
		At: w.now, Rate: w.traffic.rate, Queue: w.traffic.queue, From: d.From, To: d.To,
		Ready: int32(w.fleet.ready()), //nolint:gosec // no more than the size
	}
	if len(d.Proposals) > 0 && d.Proposals[0].Missing == "" {
		p.Known, p.Utilization = true, d.Proposals[0].Utilization
	}
	w.result.Points = append(w.result.Points, p)
	w.result.Score.Peak = max(w.result.Score.Peak, d.To)
	if r.Outcome != loop.Scaled {
		return nil
	}
	c := Change{At: w.now, From: d.From, To: d.To}
	if len(d.Steps) > 0 {
		c.Rule = d.Steps[len(d.Steps)-1].Rule
	}
	w.result.Changes = append(w.result.Changes, c)
	w.result.Score.Starts += int(max(0, d.To-d.From))
	return nil
}

// WriteTimeline writes the points as comma-separated values with a title line. The same result gives the same bytes.
func (r Result) WriteTimeline(w io.Writer) error {
	out := bufio.NewWriter(w)
	if _, err := out.WriteString("seconds,rate,queue,utilization,ready,from,to\n"); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	for _, p := range r.Points {
		utilization := ""
		if p.Known {
			utilization = fmt.Sprint(p.Utilization)
		}
		if _, err := fmt.Fprintf(out, "%.3f,%.3f,%.3f,%s,%d,%d,%d\n", p.At.Seconds(), p.Rate, p.Queue, utilization, p.Ready, p.From, p.To); err != nil {
			return fmt.Errorf("timeline: %w", err)
		}
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	return nil
}

// WriteReport writes the changes of size, with their rules, and the score. The same result gives the same bytes.
func (r Result) WriteReport(w io.Writer) error {
	out := bufio.NewWriter(w)
	for _, c := range r.Changes {
		if _, err := fmt.Fprintf(out, "%10v  %d -> %d  %v\n", c.At, c.From, c.To, c.Rule); err != nil {
			return fmt.Errorf("report: %w", err)
		}
	}
	s := r.Score
	if _, err := fmt.Fprintf(out, "%.0f requests, %.0f served, %.0f refused, %.0f late (%.3f%% violations); %.2f pod-hours, %d starts, %d pods at the most\n",
		s.Requests, s.Served, s.Refused, s.Late, 100*s.Violations(), s.PodSeconds/3600, s.Starts, s.Peak); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	if err := out.Flush(); err != nil {
		return fmt.Errorf("report: %w", err)
	}
	return nil
}
