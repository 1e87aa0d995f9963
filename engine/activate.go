package engine

import "time"

// Activation is how a workload goes to nothing, or to idle, and back. Its zero
// value means an HPA, which has other rules for zero.
type Activation struct {
	On bool
	// Idle is the size while nothing is active, where Idles says that there is
	// one; without, it is Min, and only a Min of 0 is gone down to.
	Idles bool
	Idle  int32
	// Cooldown is how long nothing must have been active before the workload goes to rest.
	Cooldown time.Duration
	// InitialCooldown counts from Created instead, for a workload that was never active.
	InitialCooldown time.Duration
	Created         time.Time
	// Forced makes the workload active whatever its signals say.
	Forced bool
	// BlockedIn keeps a workload from going to rest, BlockedOut from waking up.
	BlockedIn, BlockedOut bool
	// ByBehavior goes to rest as fast as Down allows, instead of at once.
	ByBehavior bool
	// Only says that sizes from the minimum up are somebody else's, such as an
	// HPA's: no rule that an HPA knows speaks.
	Only bool
}

// activate wakes a workload that has work and lets one rest that has had none
// for long enough. What lies between is left to the rules that follow, which
// work from the size it makes.
func (d *draft) activate() {
	a := &d.policy.Activation
	if !a.On {
		return
	}
	active, unsure := d.askActivity()
	lowest := d.min
	d.min = max(d.min, 1)
	d.max = max(d.max, d.min)
	switch {
	case active || a.Forced:
		d.stayActive(lowest)
	case unsure && !d.policy.Fallback.toZero():
		d.stayUnsure()
	default:
		d.rest(lowest)
	}
}

// stayActive wakes a workload at zero, or at idle, to its minimum.
func (d *draft) stayActive(lowest int32) {
	a := &d.policy.Activation
	if d.next.LastActive.Before(d.seen.At) {
		d.next.LastActive = d.seen.At
	}
	switch {
	case d.from > 0 && (!a.Idles || d.from >= lowest):
		d.leave()
	case a.BlockedOut:
		d.set(RuleActivate, CaseBlockedOut, d.from)
		d.done = true
	default:
		d.set(RuleActivate, CaseWoken, d.min)
		d.from, d.woken = d.replicas, true
	}
}

// stayUnsure keeps a workload at rest where it is: nobody knows whether there
// is work. One at work goes on by the rules that follow, which do not shrink it.
func (d *draft) stayUnsure() {
	if d.from == 0 || d.policy.Activation.Idles && d.from < d.min {
		d.held, d.done = true, true
		return
	}
	d.leave()
}

// leave says that the size is somebody else's, where it is.
func (d *draft) leave() {
	if d.policy.Activation.Only {
		d.set(RuleActivate, CaseLeft, d.from)
	}
}

// rest takes a workload without work to its idle size, or to zero.
func (d *draft) rest(lowest int32) {
	a := &d.policy.Activation
	to := lowest
	if a.Idles {
		to = a.Idle
	}
	switch {
	case d.from > to && (a.Idles || lowest == 0):
		d.goToRest(to)
	case !a.Idles && d.from < lowest:
		d.set(RuleActivate, CaseRaised, lowest, float64(lowest))
		d.done = true
	case d.from == 0 || a.Idles:
		d.done = true
	default:
		d.leave()
	}
}

func (d *draft) goToRest(to int32) {
	a := &d.policy.Activation
	if a.BlockedIn {
		d.set(RuleActivate, CaseBlockedIn, d.from)
		return
	}
	since, period, c := d.past.LastActive, a.Cooldown, CaseCooling
	if since.IsZero() {
		since, period, c = a.Created, a.InitialCooldown, CaseInitialCooling
	}
	if ends := since.Add(period); !ends.Before(d.seen.At) {
		d.wakeAt(ends.Add(1)) // at its end, the cooldown is not over yet
		d.set(RuleActivate, c, d.from, period.Seconds(), d.seen.At.Sub(since).Seconds())
		return
	}
	d.set(RuleActivate, CaseDeactivated, to, period.Seconds())
	if a.ByBehavior && !a.Only {
		d.min, d.settled = to, true
		return
	}
	d.done = true
}
