package engine

import (
	"fmt"
	"math"
)

// load is what the pods that count use, and what they may.
type load struct {
	pods            int32
	value, requests int64
}

// perPod proposes a size from measurements of the pods: enough pods that each
// would be on target. Upstream looks twice: first at the pods that were
// measured, then, if some were not, with a careful guess for those.
func (d *draft) perPod(s *Signal, u *Usage) Proposal {
	l, missing := measured(s, u)
	if missing != "" {
		return Proposal{Missing: missing}
	}
	ratio, of := l.ratio(s.Target)
	p := Proposal{Ratio: ratio, Total: l.value}
	// The first look goes by the pods that count, however many replicas are wanted now.
	p.Replicas = replicasFrom(ratio * float64(u.Ready.Pods))
	c := CasePodAverage
	if s.Target.Kind == Utilization {
		c = CaseUtilization
		p.Utilization = narrow(of)
		p.Average = l.value / int64(u.Ready.Pods)
	} else {
		p.Average = of
	}
	d.step(Step{
		Rule: RuleMeasure, Case: c, Signal: s.Name, Before: d.from, After: p.Replicas,
		Args: [4]float64{float64(of), float64(s.Target.Value), float64(u.Ready.Pods)},
	})
	if d.fills(ratio, u) {
		p.Replicas = d.fill(s, u, l, p)
	} else {
		p.Replicas = d.tolerate(s, ratio, p.Replicas, d.from)
	}
	return p
}

// measured is the load of the pods with a measurement that counts.
func measured(s *Signal, u *Usage) (l load, missing string) {
	if s.Target.Kind == Value {
		return l, "a measurement of each pod has no value as a whole"
	}
	if u.Fault != "" {
		return l, u.Fault
	}
	for _, t := range [...]*Tally{&u.Ready, &u.Stray, &u.Missing, &u.Unready} {
		if t.Pods < 0 || t.Value < 0 || t.Requests < 0 || t.Fill < 0 {
			return l, fmt.Sprintf("the usage has a number below zero: %+v", *t)
		}
	}
	// Measurements of pods that the selector does not list stay in a plain
	// average; for a utilization they lack a request and only count as pods.
	l = load{pods: narrow(int64(u.Ready.Pods) + int64(u.Stray.Pods)), value: u.Ready.Value, requests: u.Ready.Requests}
	switch {
	case l.pods == 0:
		return l, noMetrics
	case s.Target.Kind != Utilization:
		l.value = addSaturating(l.value, u.Stray.Value)
	case l.requests == 0 || u.Ready.Pods == 0:
		return l, noneMatched
	}
	return l, ""
}

// ratio is usage over target; both divisions of the usage truncate, as
// upstream's do. The second result is what is compared with the target:
// percent, or the average in milli-units.
func (l load) ratio(t Target) (ratio float64, of int64) {
	if t.Kind == Utilization {
		of = min(mulDiv(l.value, 100, l.requests), math.MaxInt32)
	} else {
		of = l.value / int64(l.pods)
	}
	return float64(of) / float64(t.Value), of
}
