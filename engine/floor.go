package engine

// floor lets a workload that Furl put to sleep wake up to its minimum at once
// when the minimum was raised meanwhile.
func (d *draft) floor() {
	if d.from == 0 && d.past.Asleep && d.replicas < d.min {
		d.set(RuleFloor, CaseBelowMin, d.min, float64(d.min))
	}
}
