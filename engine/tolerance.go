package engine

// tolerate keeps the size when the ratio is close enough to 1, and n otherwise.
func (d *draft) tolerate(s *Signal, ratio float64, n, keep int32) int32 {
	if d.without(RuleTolerance) || !d.policy.Tolerance.within(ratio) {
		return n
	}
	t := d.policy.Tolerance
	d.step(Step{
		Rule: RuleTolerance, Case: CaseWithin, Signal: s.Name, Before: n, After: keep,
		Args: [4]float64{finite(ratio), finite(t.Down), finite(t.Up)},
	})
	return keep
}

// within includes both ends.
func (t Tolerance) within(ratio float64) bool { return 1-t.Down <= ratio && ratio <= 1+t.Up }
