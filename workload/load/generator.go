package load

import (
	"context"
	"fmt"
	"io"
	"sync"
	"time"
)

// Generator carries a plan out.
type Generator struct {
	Plan     Plan
	Send     func(ctx context.Context) error // one request and its answer
	Unending int                             // requests that may be unanswered at once when a rate is kept; the next is dropped
	Out      io.Writer                       // where progress is told
	Every    time.Duration                   // how often progress is told
}

// Run asks until the plan or ctx ends, waits for the last answers and gives the count.
func (g *Generator) Run(ctx context.Context) (Summary, error) {
	if err := g.Plan.Check(); err != nil {
		return Summary{}, err
	}
	if g.Plan.Duration > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, g.Plan.Duration)
		defer cancel()
	}
	var tally Tally
	start := time.Now()
	told := make(chan struct{})
	stop := make(chan struct{})
	go func() {
		defer close(told)
		g.tell(stop, start, &tally)
	}()
	if g.Plan.Concurrency > 0 {
		g.closed(ctx, &tally)
	} else {
		g.open(ctx, start, &tally)
	}
	close(stop)
	<-told
	return tally.Summary(), nil
}

// open keeps the plan's rates. Requests in flight at the end are waited for, not cut.
func (g *Generator) open(ctx context.Context, start time.Time, tally *Tally) {
	var flights sync.WaitGroup
	defer flights.Wait()
	places := make(chan struct{}, max(g.Unending, 1))
	last := time.Duration(-1)
	for {
		due, more := g.Plan.due(last)
		if !more {
			// What remains of the duration is a pause.
			if g.Plan.Duration > 0 {
				<-ctx.Done()
			}
			return
		}
		last = due
		if !until(ctx, start.Add(due)) {
			return
		}
		select {
		case places <- struct{}{}:
		default:
			tally.Drop()
			continue
		}
		flights.Go(func() {
			err := g.Send(context.WithoutCancel(ctx))
			tally.Add(time.Since(start)-due, err)
			<-places
		})
	}
}

// closed keeps a number of requests unanswered.
func (g *Generator) closed(ctx context.Context, tally *Tally) {
	var workers sync.WaitGroup
	for range g.Plan.Concurrency {
		workers.Go(func() {
			for ctx.Err() == nil {
				start := time.Now()
				err := g.Send(context.WithoutCancel(ctx))
				tally.Add(time.Since(start), err)
				if err != nil { // a server that refuses at once is not asked a million times a second
					until(ctx, time.Now().Add(100*time.Millisecond))
				}
			}
		})
	}
	workers.Wait()
}

// until waits for an instant; it says false when ctx ended first.
func until(ctx context.Context, at time.Time) bool {
	timer := time.NewTimer(time.Until(at))
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// tell writes a line of progress each while: what was asked for and what came back in it.
func (g *Generator) tell(stop <-chan struct{}, start time.Time, tally *Tally) {
	if g.Every <= 0 || g.Out == nil {
		<-stop
		return
	}
	tick := time.NewTicker(g.Every)
	defer tick.Stop()
	before := Summary{}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		s := tally.Summary()
		at := time.Since(start)
		asked := fmt.Sprintf("%d at a time", g.Plan.Concurrency)
		if g.Plan.Concurrency == 0 {
			asked = fmt.Sprintf("%.1f/s asked", g.Plan.rate(at))
		}
		fmt.Fprintf(g.Out, "%6s  %s, %.1f/s answered, %d failed; p50 %v, p95 %v so far\n", at.Round(time.Second), asked,
			float64(s.Sent-s.Errors-before.Sent+before.Errors)/g.Every.Seconds(), s.Errors-before.Errors, short(s.P50), short(s.P95))
		before = s
	}
}
