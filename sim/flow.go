package sim

import "time"

// traffic is the fluid model of requests: they come at a rate, wait in one queue before all pods, and are served as fast
// as the pods' CPU limits allow.
type traffic struct {
	step   Step
	factor float64 // noise of the time between two scrapes
	queue  float64 // requests that wait
	rate   float64 // requests a second in the stretch of time before this instant
}

// flow lets the world run from its instant to another, during which nothing else changes.
func (w *world) flow(to time.Duration) {
	seconds := (to - w.now).Seconds()
	if seconds <= 0 {
		return
	}
	ready := w.fleet.ready()
	cost := w.Service.Cost.Seconds()
	capacity := float64(ready) * float64(w.Service.Limit) / 1000 / cost // requests a second
	w.traffic.rate = w.traffic.asked(capacity, cost)
	arrivals := w.traffic.rate * seconds
	waited := w.traffic.queue + arrivals
	served := min(waited, capacity*seconds)
	left := waited - served
	refused := max(0, left-float64(w.Service.Queue))
	w.count(arrivals, served, refused, capacity, seconds)
	w.traffic.queue = left - refused

	used := float64(w.Service.Idle) * seconds
	if ready > 0 {
		used += served * cost * 1000 / float64(ready)
	}
	for _, p := range w.fleet.pods {
		if p.ready {
			p.cpu += min(used, float64(w.Service.Limit)*seconds)
		} else {
			p.cpu += float64(w.Cluster.Boot) * seconds
		}
	}
	w.now = to
}

// asked is how many requests come a second. Clients wait for their answers, so they never ask for more than can be had.
func (t traffic) asked(capacity, cost float64) float64 {
	rate := t.step.Rate
	if t.step.Clients > 0 {
		asked := float64(t.step.Clients) / (t.step.Think.Seconds() + cost)
		rate += min(asked, max(0, capacity-rate))
	}
	return rate * t.factor
}

// count adds a stretch of time to the score.
func (w *world) count(arrivals, served, refused, capacity, seconds float64) {
	s := &w.result.Score
	s.Requests += arrivals
	s.Served += served
	s.Refused += refused
	s.PodSeconds += float64(len(w.fleet.pods)) * seconds
	// Who comes now waits for the queue before: late is judged by the queue in the middle of the stretch.
	middle := w.traffic.queue + (arrivals-served)/2
	if middle > 0 && (capacity == 0 || middle/capacity > w.Service.Patience.Seconds()) {
		s.Late += max(0, arrivals-refused)
	}
}
