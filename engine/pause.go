package engine

// Pause is the user's wish to leave the size alone.
type Pause struct {
	// On says that scaling is paused: the size stays as it is found.
	On bool
	// At says that the size goes to Replicas first, once and whatever the bounds.
	At       bool
	Replicas int32
}

// pause leaves the size to the user. A size to pause at is set once: what
// somebody makes of it during the pause is their own business.
func (d *draft) pause() {
	p := d.policy.Pause
	if !p.On || !p.At {
		d.next.Paused, d.next.PausedAt = false, 0
	}
	if !p.On {
		return
	}
	d.done = true
	if !p.At || d.past.Paused && d.past.PausedAt == p.Replicas {
		d.set(RulePause, CasePaused, d.from)
		return
	}
	n := max(p.Replicas, 0)
	d.set(RulePause, CasePausedAt, n, float64(n))
	if n == d.from {
		d.next.Paused, d.next.PausedAt = true, p.Replicas
	}
}

// pausedBy notes that a decision took the workload to the size it is paused at.
func (h *History) pausedBy(p *Policy, d *Decision) {
	if p.Pause.On && p.Pause.At && d.To == max(p.Pause.Replicas, 0) {
		h.Paused, h.PausedAt = true, p.Pause.Replicas
	}
}
