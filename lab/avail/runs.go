package avail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"syscall"
	"time"
)

// What becomes of a leader.
const (
	Kill = "kill" // SIGKILL
	Stop = "stop" // SIGSTOP, and SIGCONT later
	Cut  = "cut"  // nothing passes between it and the API server, and later it does
	Term = "term" // SIGTERM, after which the lease is given back
)

// Kinds are the ways to lose a leader that `bench kills` goes by.
func Kinds() []string { return []string{Kill, Stop, Cut} }

// Run is what one change of leaders took.
type Run struct {
	Kind   string `json:"kind"`
	Leader string `json:"leader"`
	// Taken is when the other had the lease, and Decided when it wrote its first size, since the lease had run out.
	Taken   Span `json:"takenSeconds"`
	Decided Span `json:"decidedSeconds"`
	// Silent is the time without a size between the last of the old leader and the first of the new one.
	Silent  Span     `json:"silentSeconds"`
	Writes  int      `json:"writes"`
	Foreign []string `json:"writesByOthers,omitempty"`
	Wrong   []string `json:"wrongSizes,omitempty"`
	Load    string   `json:"loadAverage"`
}

const (
	// decideWithin is the bar: from the end of the lease to the first size.
	decideWithin = 5 * time.Second
	// takeWithin is when to stop waiting.
	takeWithin = time.Minute
	// fresh bounds the age of what is decided from: a poll a second, and time for a busy machine. A value stays for
	// about three seconds.
	fresh = 5 * time.Second
	// jitter is the random time before each run: more than two retry periods and a poll.
	jitter = 3 * time.Second
)

// Err says what a run must not show.
func (r *Run) Err() error {
	var all []error
	if time.Duration(r.Decided) > decideWithin {
		all = append(all, fmt.Errorf("%s of %s: the first size came %s after the lease had run out, want at most %s", r.Kind, r.Leader, r.Decided, Span(decideWithin)))
	}
	if len(r.Foreign) > 0 {
		all = append(all, fmt.Errorf("%s of %s: written by one who did not hold the lease:\n  %s", r.Kind, r.Leader, strings.Join(r.Foreign, "\n  ")))
	}
	if len(r.Wrong) > 0 {
		all = append(all, fmt.Errorf("%s of %s: sizes that were not right:\n  %s", r.Kind, r.Leader, strings.Join(r.Wrong, "\n  ")))
	}
	return errors.Join(all...)
}

// String is a line of progress.
func (r *Run) String() string {
	return fmt.Sprintf("%-4s %-6s  lease taken %s and first size %s after it had run out, %s without one; %d writes, %d by others than the holder, %d wrong sizes; load average %s",
		r.Kind, r.Leader, r.Taken, r.Decided, r.Silent, r.Writes, len(r.Foreign), len(r.Wrong), r.Load)
}

// Lose takes the leader away in one of the ways, at a random moment, and waits until all is well again.
func (h *Harness) Lose(ctx context.Context, kind string) (Run, error) {
	if err := h.prepare(ctx); err != nil {
		return Run{}, err
	}
	led, err := h.leader(ctx)
	if err != nil || led == nil {
		return Run{}, errors.Join(errors.New("nobody leads"), err)
	}
	from := time.Now()
	back, err := h.strike(led, kind)
	if err != nil {
		return Run{}, errors.Join(err, back())
	}
	changed, err := h.awaitHandover(ctx, led, from)
	if err != nil {
		return Run{}, errors.Join(err, back())
	}
	if err := pause(ctx, time.Until(from.Add(h.lasts(kind)))); err != nil {
		return Run{}, errors.Join(err, back())
	}
	if err := back(); err != nil {
		return Run{}, err
	}
	if err := await(ctx, takeWithin, led.name+" to stand by", func() (bool, error) { return led.standsBy(from), nil }); err != nil {
		return Run{}, err
	}
	if err := pause(ctx, h.After); err != nil {
		return Run{}, err
	}
	v, err := h.judge(from, fresh)
	since := func(t time.Time) Span { return Span(t.Sub(changed.over)) }
	return Run{
		Kind: kind, Leader: led.name, Taken: since(changed.taken), Decided: since(changed.first), Silent: Span(changed.first.Sub(changed.last)),
		Writes: v.writes, Foreign: v.foreign, Wrong: v.wrong, Load: load(),
	}, err
}

// prepare waits for two replicas and a random moment.
func (h *Harness) prepare(ctx context.Context) error {
	if err := h.settle(ctx); err != nil {
		return err
	}
	h.source.forget(time.Now().Add(-time.Minute))
	if err := h.shrink(ctx); err != nil {
		return err
	}
	return pause(ctx, time.Duration(h.random.Int64N(int64(jitter))))
}

// strike does it, and returns what ends it.
func (h *Harness) strike(led *replica, kind string) (back func() error, err error) {
	none := func() error { return nil }
	switch kind {
	case Kill, Term:
		with := syscall.SIGKILL
		if kind == Term {
			with = syscall.SIGTERM
		}
		led.lives.Lock() // its pod is gone, and another one comes later
		return func() error { led.lives.Unlock(); return nil }, led.signal(with)
	case Stop:
		return func() error { return led.signal(syscall.SIGCONT) }, led.signal(syscall.SIGSTOP)
	case Cut:
		led.proxy.valve.set(stuck)
		return func() error { led.proxy.valve.set(flows); return nil }, nil
	}
	return none, fmt.Errorf("%q is no way to lose a leader: say %s", kind, strings.Join(append(Kinds(), Term), ", "))
}

// lasts is for how long the old leader is away.
func (h *Harness) lasts(kind string) time.Duration {
	switch kind {
	case Stop:
		return h.Stopped
	case Cut:
		return h.Cut
	}
	return 0
}

func (h *Harness) awaitHandover(ctx context.Context, led *replica, from time.Time) (handover, error) {
	var changed handover
	next := h.other(led)
	err := await(ctx, takeWithin, "a size by "+next.name, func() (bool, error) {
		log, err := h.audited()
		changed = readHandover(log, led.name, next.name, from)
		return !changed.first.IsZero(), errors.Join(err, fmt.Errorf("the lease ran out at %s and was taken at %s; it said\n%s", clock(changed.over), clock(changed.taken), next.tail()))
	})
	return changed, err
}

// judge looks at what was written since an instant.
func (h *Harness) judge(from time.Time, fresh time.Duration) (verdict, error) {
	log, err := h.audited()
	return judge(log, &period{from: from, to: time.Now(), fresh: fresh, told: h.source.since}), err
}
