package engine

import "math"

// value compares the whole of something outside the pods with its target and
// keeps the proportion to the pods that are ready.
func (d *draft) value(s *Signal, r *Reading) Proposal {
	ratio := r.Value / float64(s.Target.Value)
	p := Proposal{Ratio: ratio, Total: whole(r.Value)}
	ready := r.ReadyPods
	if d.woken {
		ready = max(ready, d.from) // as if the size to wake to were there
	}
	args := [4]float64{r.Value, float64(s.Target.Value), float64(ready)}
	if d.from == 0 {
		// There is no proportion to nothing, and no tolerance: any need at all wakes the workload.
		p.Replicas = replicasFrom(ratio)
		d.step(Step{Rule: RuleMeasure, Case: CaseFromZero, Signal: s.Name, After: p.Replicas, Args: args})
		return p
	}
	if r.Listed <= 0 && ready <= 0 && (d.without(RuleTolerance) || !d.policy.Tolerance.within(ratio)) {
		return Proposal{Missing: "unable to calculate ready pods: " + noPods}
	}
	p.Replicas = replicasFrom(ratio * float64(ready))
	d.step(Step{Rule: RuleMeasure, Case: CaseValue, Signal: s.Name, Before: d.from, After: p.Replicas, Args: args})
	p.Replicas = d.tolerate(s, ratio, p.Replicas, d.from)
	return p
}

// totalAverage divides the whole of something outside the pods by what one pod
// should get. It never looks at the pods, and stays at the replicas that
// exist, not those that are wanted, while the average is within tolerance.
func (d *draft) totalAverage(s *Signal, r *Reading) Proposal {
	exist := max(d.seen.Replicas.Status, 0)
	if d.woken {
		exist = max(exist, d.from)
	}
	among := float64(max(exist, 1)) // without pods the average is the whole, where upstream divides by zero
	target := float64(s.Target.Value)
	p := Proposal{
		Ratio:    finite(r.Value / (target * among)),
		Replicas: replicasFrom(r.Value / target),
		Total:    whole(r.Value),
		Average:  whole(math.Ceil(r.Value / among)),
	}
	if s.Kind == External && p.Total == math.MaxInt64 {
		p.Average = p.Total // a sum that was held at the largest number has no average
	}
	d.step(Step{
		Rule: RuleMeasure, Case: CaseTotalAverage, Signal: s.Name, Before: d.from, After: p.Replicas,
		Args: [4]float64{r.Value, target, float64(exist)},
	})
	if exist > 0 {
		p.Replicas = d.tolerate(s, p.Ratio, p.Replicas, exist)
	}
	return p
}
