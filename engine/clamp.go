package engine

// clamp keeps the size within the user's bounds.
func (d *draft) clamp() {
	switch n := d.replicas; {
	case n > d.max:
		d.set(RuleClamp, CaseTooMany, d.max, float64(d.max))
	case n < d.min && !d.growthWasBounded():
		d.set(RuleClamp, CaseTooFew, d.min, float64(d.min))
	}
}

// growthWasBounded says that upstream has bounded this growth from zero by a
// limit or the maximum, and will not look at the minimum; the rule floor does.
func (d *draft) growthWasBounded() bool {
	if d.from != 0 {
		return false
	}
	n := len(d.steps)
	return d.policy.hasBehavior() || n > 0 && d.steps[n-1].Rule == RuleBurst
}
