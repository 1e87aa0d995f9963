package engine

import "math"

// rate allows as much change per period as the user's behavior does, counted
// from the size at the period's start. It stays silent where the bounds allow less.
func (d *draft) rate() {
	if !d.policy.hasBehavior() {
		return
	}
	switch n := d.replicas; {
	case n > d.from:
		limit := max(d.ceiling(d.policy.Up), d.from)
		if n > limit && limit < d.max {
			d.limit(d.policy.Up, limit, CaseUpLimit, CaseUpDisabled)
		}
	case n < d.from:
		limit := min(d.ground(d.policy.Down), d.from)
		if n < limit && limit > d.min {
			d.limit(d.policy.Down, limit, CaseDownLimit, CaseDownDisabled)
		}
	}
}

func (d *draft) limit(s Scaling, n int32, limited, disabled Case) {
	if s.Select == SelectDisabled {
		d.set(RuleRate, disabled, n)
		return
	}
	d.wakeAfterPeriods(s, n)
	d.set(RuleRate, limited, n, float64(n))
}

// ceiling is how far growth may go now. A percentage rounds up, so that it
// always lets one pod through.
func (d *draft) ceiling(s Scaling) int32 {
	if s.Select == SelectDisabled {
		return d.from
	}
	if len(s.Limits) == 0 {
		return math.MaxInt32
	}
	var n int32
	for i, l := range s.Limits {
		d.wakeAsRoomEnds(l.Period)
		start := d.sizeBefore(l.Period)
		to := narrow(start + int64(l.Value))
		if l.Percent {
			to = narrow(whole(math.Ceil(float64(start) * (1 + float64(l.Value)/100))))
		}
		switch {
		case i == 0:
			n = to
		case s.Select == SelectMin:
			n = min(n, to)
		default:
			n = max(n, to)
		}
	}
	return n
}

// ground is how far shrinking may go now. A percentage truncates.
func (d *draft) ground(s Scaling) int32 {
	if s.Select == SelectDisabled {
		return d.from
	}
	if len(s.Limits) == 0 {
		return math.MinInt32
	}
	var n int32
	for i, l := range s.Limits {
		d.wakeAsRoomEnds(l.Period)
		start := d.sizeBefore(l.Period)
		to := narrow(start - int64(l.Value))
		if l.Percent {
			to = narrow(whole(float64(start) * (1 - float64(l.Value)/100)))
		}
		switch {
		case i == 0:
			n = to
		case s.Select == SelectMin:
			n = max(n, to)
		default:
			n = min(n, to)
		}
	}
	return n
}
