package engine

// clamp keeps the size within the user's bounds.
func (d *draft) clamp() {
	switch n := d.replicas; {
	case n > d.max:
		d.set(RuleClamp, CaseTooMany, d.max, float64(d.max))
	case n < d.min && (n < d.from || !d.policy.hasBehavior()):
		// With behavior, upstream bounds a workload that grows from zero by its maximum only; the rule floor does the rest.
		d.set(RuleClamp, CaseTooFew, d.min, float64(d.min))
	}
}
