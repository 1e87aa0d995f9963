// Package cron asks for replicas while a window is open on the calendar of a time zone.
package cron

import (
	"context"
	"fmt"
	"strings"
	"time"
	_ "time/tzdata" // images have no time zone database

	"github.com/furl-dev/furl/trigger"
)

// Kind describes the trigger; triggers/all lists it.
func Kind() trigger.Kind {
	return trigger.Define("cron", "Asks for a number of replicas from a start to an end of a schedule, in a time zone.", open)
}

type config struct {
	Start    string `cfg:"start" example:"0 8 * * 1-5" doc:"when the window opens: minute hour day-of-month month day-of-week"`
	End      string `cfg:"end" example:"0 18 * * 1-5" doc:"when the window closes, in the same form; not equal to start"`
	Timezone string `cfg:"timezone" example:"Europe/Berlin" doc:"name in the IANA time zone database, such as Europe/Berlin"`
	Replicas int64  `cfg:"desiredReplicas" example:"10" doc:"replicas while the window is open"`
}

// Validate finds what would otherwise show only when the window is due.
func (c config) Validate() error {
	if _, err := c.window(); err != nil {
		return err
	}
	if c.Start == c.End {
		return fmt.Errorf("start and end are both %q: want an end that differs", c.Start)
	}
	if c.Replicas < 1 {
		return fmt.Errorf("desiredReplicas %d: want at least 1; the workload has minReplicaCount outside of the window", c.Replicas)
	}
	return nil
}

// MetricName is KEDA's: the zone and both schedules without what a name may not have.
func (c config) MetricName() string {
	plain := strings.NewReplacer(" ", "", "*", "x", "/", "Sl", "?", "Qm", ",", "Cm")
	return fmt.Sprintf("cron-%s-%s-%s", c.Timezone, plain.Replace(c.Start), plain.Replace(c.End))
}

// Target is one: the value is the number of replicas.
func (config) Target() (target, activation float64) { return 1, 0 }

// window is open from an event of start to the next of end.
type window struct {
	start, end schedule
	zone       *time.Location
}

func (c config) window() (window, error) {
	zone, err := time.LoadLocation(c.Timezone)
	if err != nil {
		return window{}, fmt.Errorf("timezone %q: want a name of the IANA database, such as Europe/Berlin", c.Timezone)
	}
	start, err := parse(c.Start)
	if err != nil {
		return window{}, fmt.Errorf("start %q: %w", c.Start, err)
	}
	end, err := parse(c.End)
	if err != nil {
		return window{}, fmt.Errorf("end %q: %w", c.End, err)
	}
	return window{start, end, zone}, nil
}

// at says whether the window is open, and until when that holds: it is open
// when it closes next, and closed when it opens next.
func (w window) at(now time.Time) (open bool, until time.Time) {
	opens, closes := w.start.next(now, w.zone), w.end.next(now, w.zone)
	if opens.before(closes) {
		return false, opens.at
	}
	return true, closes.at
}

type source struct {
	window   window
	replicas float64
	now      func() time.Time
}

func open(_ context.Context, c config, env trigger.Env) (trigger.Source, error) {
	w, err := c.window()
	if err != nil {
		return nil, err
	}
	return &source{window: w, replicas: float64(c.Replicas), now: env.Now}, nil
}

// Read needs nobody: the answer is on the calendar.
func (s *source) Read(ctx context.Context) (trigger.Sample, error) {
	if err := ctx.Err(); err != nil {
		return trigger.Sample{}, err
	}
	now := s.now()
	open, until := s.window.at(now)
	sample := trigger.Sample{At: now, Active: &open, Until: until}
	if open {
		sample.Value = s.replicas
	}
	return sample, nil
}

// Close has nothing to give back.
func (*source) Close() error { return nil }
