package engine

// bounds moves a size that is outside the user's bounds into them, whatever
// the signals say and however recently it changed.
func (d *draft) bounds() {
	if !d.outside() {
		return
	}
	d.done = true
	if d.from > d.max {
		d.set(RuleBounds, CaseAboveMax, d.max, float64(d.max))
		return
	}
	d.set(RuleBounds, CaseBelowMin, d.min, float64(d.min))
}

// outside leaves zero to the rules asleep and floor.
func (d *draft) outside() bool { return d.from != 0 && (d.from > d.max || d.from < d.min) }
