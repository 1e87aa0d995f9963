// Package sim runs a workload through hours of load in milliseconds, under the very loop that runs it in a cluster.
//
// Time is virtual: events stand in a queue, and the clock leaps from one to the next. What decides is loop.Loop over the
// engine, with nothing of its own here; what is simulated is the world around it: requests, pods, scrapes.
// One seed gives one result, to the byte.
package sim

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
)

// Scenario is all that a run depends on.
type Scenario struct {
	Seed     uint64
	Start    time.Time     // the first instant
	Length   time.Duration // of the run
	Policy   engine.Policy // with one signal, CPU of the pods
	Replicas int32         // ready at the start
	Service  Service
	Load     []Step
	Cluster  Cluster
	Metrics  Metrics
}

// Service is a web service whose requests cost CPU.
type Service struct {
	Request  int64         // CPU that a pod asks for, in milli-units of a core
	Limit    int64         // CPU that a pod gets at the most, in milli-units of a core
	Cost     time.Duration // CPU time of one request
	Idle     int64         // CPU of a pod without requests, in milli-units of a core
	Queue    int           // requests that wait at the most; more are refused
	Patience time.Duration // a request that waits longer counts as late
}

// Step is a load from an instant of the run on: so many requests a second, whatever the answers take, and so many clients
// beside them that ask again a while after each answer.
type Step struct {
	From    time.Duration // since the start of the run
	Rate    float64       // requests a second
	Clients int
	Think   time.Duration // between a client's answer and its next request
}

// Cluster says how pods come.
type Cluster struct {
	Ready time.Duration // from a pod's creation to its readiness
	Boot  int64         // CPU that a pod uses until it is ready, in milli-units of a core
}

// Metrics says how usage is measured.
type Metrics struct {
	Every time.Duration // between two scrapes
	Lag   time.Duration // from a scrape to its samples being there
	Noise float64       // how far the load between two scrapes strays from its step, as a standard deviation of its share
	Loss  float64       // share of scrapes that fail, each pod by itself
	Lost  []Span        // when every scrape fails
}

// Span is a time of the run, from its start on and before its end.
type Span struct{ From, To time.Duration }

func (s Span) holds(at time.Duration) bool { return at >= s.From && at < s.To }

// check says what is wrong with a scenario.
func (s Scenario) check() error {
	switch {
	case s.Length <= 0 || s.Metrics.Every <= 0:
		return errors.New("length of the run and time between scrapes are above zero")
	case s.Metrics.Lag < 0 || s.Cluster.Ready < 0 || s.Replicas < 0:
		return errors.New("lag, start delay and replicas are not below zero")
	case s.Service.Limit <= 0 || s.Service.Request <= 0 || s.Service.Cost <= 0:
		return errors.New("request, limit and cost of the service are above zero")
	case len(s.Policy.Signals) != 1 || s.Policy.Signals[0].Kind != engine.PerPod:
		return fmt.Errorf("the policy has %d signals: give one that is measured per pod", len(s.Policy.Signals))
	case !(s.Metrics.Noise >= 0) || !(s.Metrics.Loss >= 0 && s.Metrics.Loss <= 1):
		return errors.New("noise is not below zero, loss is a share from 0 to 1")
	}
	for i, step := range s.Load {
		if !(step.Rate >= 0) || step.Clients < 0 || step.Think < 0 || step.From < 0 || i > 0 && step.From <= s.Load[i-1].From {
			return fmt.Errorf("step %d of the load, %+v: steps begin one after the other, with nothing below zero", i, step)
		}
	}
	return nil
}

// Run plays a scenario to its end. It fails for a scenario without meaning, and when ctx ends.
func Run(ctx context.Context, s Scenario) (Result, error) {
	if err := s.check(); err != nil {
		return Result{}, fmt.Errorf("simulate: %w", err)
	}
	w := newWorld(s)
	for {
		e, more := w.events.pop()
		if !more || e.at >= s.Length {
			break
		}
		if err := ctx.Err(); err != nil {
			return Result{}, fmt.Errorf("simulate: at %v: %w", e.at, err)
		}
		w.flow(e.at)
		if err := w.happen(ctx, e); err != nil {
			return Result{}, fmt.Errorf("simulate: at %v: %w", e.at, err)
		}
	}
	w.flow(s.Length)
	return w.result, nil
}

// world is the state of a run. One goroutine owns it.
type world struct {
	Scenario
	random *rand.Rand
	events queue
	loop   loop.Loop
	now    time.Duration // since the start
	wake   int           // number of the last wake-up that was asked for; older ones are void

	traffic traffic
	fleet   fleet
	signal  engine.Signal
	grouped []engine.Pod // reused by each reading
	result  Result
}

func newWorld(s Scenario) *world {
	w := &world{
		Scenario: s, signal: s.Policy.Signals[0],
		random: rand.New(rand.NewPCG(s.Seed, 0x6675726c)), //nolint:gosec // the same numbers each time are the point
	}
	w.loop = loop.Loop{Observer: w, Actuator: w, Recorder: w}
	w.loop.Use(s.Policy)
	w.fleet.spec = s.Replicas
	for range s.Replicas {
		p := w.fleet.create(-s.Cluster.Ready)
		p.ready = true
	}
	for i := range s.Load {
		w.events.push(event{at: s.Load[i].From, kind: changeOfLoad, number: i})
	}
	w.events.push(event{at: 0, kind: scrape})
	w.traffic.factor = 1
	return w
}

// happen lets one event come true; the world has flowed up to its instant.
func (w *world) happen(ctx context.Context, e event) error {
	switch e.kind {
	case changeOfLoad:
		w.traffic.step = w.Load[e.number]
		return nil
	case readiness:
		if w.fleet.makeReady(e.number, e.at) {
			return w.tick(ctx)
		}
		return nil
	case scrape:
		w.scrape()
		return nil
	case samples:
		w.fleet.deliver(e.at - w.Metrics.Lag)
		return w.tick(ctx)
	case wakeUp:
		if e.number == w.wake {
			return w.tick(ctx)
		}
	}
	return nil
}

// scrape measures every pod, and asks for the next scrape.
func (w *world) scrape() {
	w.traffic.factor = max(0, 1+w.Metrics.Noise*w.random.NormFloat64())
	down := false
	for _, span := range w.Metrics.Lost {
		down = down || span.holds(w.now)
	}
	for _, p := range w.fleet.pods {
		// Draw for every pod, so that one pod's luck does not change another's.
		if lost := w.random.Float64() < w.Metrics.Loss; !lost && !down {
			p.measure(w.now)
		}
	}
	w.events.push(event{at: w.now + w.Metrics.Lag, kind: samples})
	w.events.push(event{at: w.now + w.Metrics.Every, kind: scrape})
}

// tick lets the loop decide, and asks for a wake-up when its answer may change by itself.
func (w *world) tick(ctx context.Context) error {
	at := w.instant(w.now)
	next, err := w.loop.Tick(ctx, at)
	if err != nil {
		return err
	}
	w.wake++
	if next.After(at) {
		w.events.push(event{at: next.Sub(w.Start), kind: wakeUp, number: w.wake})
	}
	return nil
}

func (w *world) instant(at time.Duration) time.Time { return w.Start.Add(at) }
