package engine

// burst bounds growth where the user gave no behavior. Upstream's limit counts
// from the size of its last sync; Furl decides more often and counts from the
// size one period ago.
func (d *draft) burst() {
	if d.policy.hasBehavior() || d.replicas <= d.from {
		return
	}
	b := d.policy.Burst
	start := float64(max(d.sizeBefore(b.Period), 0))
	limit := max(narrow(whole(max(b.Factor*start, float64(b.Floor)))), d.from)
	d.wakeAsRoomEnds(b.Period)
	if d.replicas <= limit || limit >= d.max {
		return
	}
	d.wakeAfter(b.Period, limit)
	d.set(RuleBurst, CaseBurstLimit, limit, float64(limit), finite(b.Factor), start, float64(b.Floor))
}
