// Package load asks a web server as often as a plan says, and tells how it was answered.
//
// A rate is kept whatever the answers take, and an answer's time counts from the instant at which its request was due:
// a server that falls behind is seen to fall behind.
package load

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// Step is a rate from an instant of the plan on.
type Step struct {
	From time.Duration // since the start
	Rate float64       // requests a second; zero is a pause
}

// Plan is what to ask. Either Steps or Concurrency says how often.
type Plan struct {
	Steps       []Step        // rates, in order of their instants
	Concurrency int           // so many requests at any time, the next when one was answered; zero goes by Steps
	Duration    time.Duration // of the whole; zero is without end
}

// Steady is a plan of one rate.
func Steady(rate float64, d time.Duration) Plan {
	return Plan{Steps: []Step{{0, rate}}, Duration: d}
}

// maxRate is what one process can ask by far; more is a slip of the pen.
const maxRate = 100_000

// ParseProfile reads "0s:5,60s:40,180s:5": from when on, how many requests a second.
func ParseProfile(text string) ([]Step, error) {
	var steps []Step
	for piece := range strings.SplitSeq(text, ",") {
		from, rate, found := strings.Cut(strings.TrimSpace(piece), ":")
		if !found {
			return nil, fmt.Errorf("profile %q: write each step as 60s:40, an instant and requests a second", text)
		}
		at, err := time.ParseDuration(from)
		if err != nil {
			return nil, fmt.Errorf("profile %q: %w", text, err)
		}
		r, err := strconv.ParseFloat(rate, 64)
		if err != nil {
			return nil, fmt.Errorf("profile %q: %w", text, err)
		}
		steps = append(steps, Step{at, r})
	}
	return steps, check(steps)
}

func check(steps []Step) error {
	for i, s := range steps {
		switch {
		case !(s.Rate >= 0 && s.Rate <= maxRate):
			return fmt.Errorf("rate %v: give requests a second from 0 to %d", s.Rate, maxRate)
		case s.From < 0 || i > 0 && s.From <= steps[i-1].From:
			return fmt.Errorf("step at %v: steps begin one after the other", s.From)
		}
	}
	return nil
}

// Check says what is wrong with a plan.
func (p Plan) Check() error {
	switch {
	case p.Concurrency < 0 || p.Duration < 0:
		return errors.New("concurrency and duration are not below zero")
	case p.Concurrency > 0 && len(p.Steps) > 0:
		return errors.New("give a rate or a concurrency, not both")
	case p.Concurrency == 0 && len(p.Steps) == 0:
		return errors.New("give a rate, a profile or a concurrency")
	}
	return check(p.Steps)
}

// due gives when the request after the one due at last is due; ok is false when there is none any more.
func (p Plan) due(last time.Duration) (at time.Duration, ok bool) {
	for i, s := range p.Steps {
		end := time.Duration(1<<63 - 1)
		if i+1 < len(p.Steps) {
			end = p.Steps[i+1].From
		}
		if s.Rate == 0 || last >= end {
			continue
		}
		at = max(s.From, last+time.Duration(float64(time.Second)/s.Rate))
		if last < s.From {
			at = s.From // the first of the step
		}
		if at < end {
			return at, p.Duration == 0 || at < p.Duration
		}
	}
	return 0, false
}

// rate gives the rate that the plan asks for at an instant.
func (p Plan) rate(at time.Duration) float64 {
	rate := 0.0
	for _, s := range p.Steps {
		if s.From <= at {
			rate = s.Rate
		}
	}
	return rate
}
