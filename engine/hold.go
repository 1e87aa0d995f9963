package engine

// hold keeps the size when no signal has a reading, and when one has none and
// the others would shrink: no data never means no load.
func (d *draft) hold() {
	all := len(d.policy.Signals)
	if all == 0 {
		d.stay(Step{Case: CaseNoSignals})
		return
	}
	failing, first := 0, -1
	for i := range d.proposals {
		if d.proposals[i].Missing == "" {
			continue
		}
		failing++
		if first < 0 {
			first = i
		}
	}
	largest, valid := d.largest()
	s := Step{Args: [4]float64{float64(failing), float64(all)}}
	if first >= 0 {
		s.Signal, s.Note = d.proposals[first].Signal, d.proposals[first].Missing
	}
	switch {
	case valid < 0:
		s.Case = CaseAllMissing
		d.stay(s)
	case failing > 0 && largest < d.from:
		s.Case = CasePartlyMissing
		s.Args[2] = float64(largest)
		d.stay(s)
	}
}

// stay ends the decision where it began.
func (d *draft) stay(s Step) {
	s.Rule, s.Before, s.After = RuleHold, d.from, d.from
	d.step(s)
	d.held, d.done = !d.woken, true
}
