package engine

// fills says whether pods without a usable measurement change the picture.
// Unready pods matter for growth only: they will take their share soon. Pods
// exactly on target leave nothing to be careful about.
func (d *draft) fills(ratio float64, u *Usage) bool {
	return !d.without(RuleFill) && (u.Missing.Pods > 0 && ratio != 1 || u.Unready.Pods > 0 && ratio > 1)
}

// fill looks again with a guess for each pod that was not measured, chosen
// against the change: fully used before shrinking, idle before growing. The
// guess may cancel a change, it never turns one round.
func (d *draft) fill(s *Signal, u *Usage, l load, p Proposal) int32 {
	if p.Ratio < 1 {
		l = l.with(u.Missing, u.Missing.Fill)
	} else {
		l = l.with(u.Missing, 0).with(u.Unready, 0)
	}
	again, _ := l.ratio(s.Target)
	n := replicasFrom(again * float64(l.pods))
	c := CaseFilled
	turns := p.Ratio < 1 && again > 1 || p.Ratio > 1 && again < 1 || again < 1 && n > d.from || again > 1 && n < d.from
	if turns {
		c, n = CaseFilledTurns, d.from
	}
	d.step(Step{
		Rule: RuleFill, Case: c, Signal: s.Name, Before: p.Replicas, After: n,
		Args: [4]float64{float64(u.Missing.Pods), float64(u.Unready.Pods), p.Ratio, again},
	})
	if turns {
		return n
	}
	return d.tolerate(s, again, n, d.from)
}

// with adds pods that count for value in all.
func (l load) with(t Tally, value int64) load {
	l.pods = narrow(int64(l.pods) + int64(t.Pods))
	l.value = addSaturating(l.value, value)
	l.requests = addSaturating(l.requests, t.Requests)
	return l
}
