package engine

// asleep leaves a workload at zero alone when somebody else put it there:
// setting the size to zero by hand is how users switch scaling off.
func (d *draft) asleep() {
	if !d.sleeps() {
		return
	}
	d.set(RuleAsleep, CaseScalingDisabled, 0)
	d.done = true
}

// sleeps is upstream's question at zero: Furl took the replicas, and either
// the minimum has been raised since or something outside the pods can be measured.
func (d *draft) sleeps() bool {
	return d.from == 0 && (!d.past.Asleep || d.min == 0 && !d.policy.measuresOutside())
}

// measuresOutside says that a signal has a value without any pods.
func (p *Policy) measuresOutside() bool {
	for i := range p.Signals {
		if p.Signals[i].Kind != PerPod {
			return true
		}
	}
	return false
}
