package engine

// pick takes the largest proposal: every signal gets what it needs.
func (d *draft) pick() {
	n, which := d.largest()
	if which < 0 {
		return
	}
	valid := 0
	for i := range d.proposals {
		if d.proposals[i].Missing == "" {
			valid++
		}
	}
	s := &d.policy.Signals[which]
	label := s.Label
	if label == "" {
		label = s.Name
	}
	d.step(Step{
		Rule: RulePick, Case: CaseLargest, Signal: s.Name, Before: d.from, After: n,
		Args: [4]float64{float64(valid)}, Note: label,
	})
	d.replicas = n
}

// largest returns the largest proposal and whose it is, -1 for nobody's. On a
// tie the first signal counts, except that upstream lets the next one speak
// for a zero.
func (d *draft) largest() (n int32, which int) {
	which = -1
	for i := range d.proposals {
		p := &d.proposals[i]
		if p.Missing == "" && (n == 0 || p.Replicas > n) {
			n, which = p.Replicas, i
		}
	}
	return n, which
}
