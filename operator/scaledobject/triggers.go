package scaledobject

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/operator/pool"
	"github.com/furl-dev/furl/policy"
	"github.com/furl-dev/furl/trigger"
)

// triggers are those of one object: checked, and read by the pool.
type triggers struct {
	all   []held
	begun time.Time // when the newest of them began to be read
	asked time.Time // when what they refer to was last asked for
}

// held is one trigger.
type held struct {
	policy.Trigger
	spec  *v1alpha1.ScaleTriggers
	every time.Duration
	lease *pool.Lease // nil for one that is read with the pods, or cannot be read
	// heard is the last push that was read, pushed the last that was answered,
	// failed the last failed attempt that was counted.
	heard, pushed, failed time.Time
}

// news tells of a push that was not answered yet.
func (h *held) news(last *pool.Reading) bool { return last.Pushed.After(h.pushed) }

// use makes the triggers those of an object as it is now. What has not changed
// goes on being read; what cannot be used becomes a fault and leaves the others alone.
func (t *triggers) use(ctx context.Context, p *Ports, o *v1alpha1.ScaledObject, at time.Time, notify func()) {
	was := t.all
	t.asked = at
	t.all = make([]held, len(o.Spec.Triggers))
	for i := range t.all {
		h := &t.all[i]
		h.spec, h.every = &o.Spec.Triggers[i], o.PollingInterval()
		c, err := configOf(ctx, p, o, i)
		if err != nil {
			h.Fault = err.Error()
			continue
		}
		h.Config = c
		if c.Kind().Resource {
			continue
		}
		if j := slices.IndexFunc(was, func(w held) bool { return w.reads(h) }); j >= 0 {
			h.lease, h.heard, h.pushed, h.failed = was[j].lease, was[j].heard, was[j].pushed, was[j].failed
			was[j].lease = nil
		} else {
			h.lease, t.begun = p.Sources.Use(o.Identifier(), c, h.every, notify), at
		}
		h.Metrics = h.lease.Last().Metrics
	}
	release(was)
}

// reads says that a held trigger reads what another wants, as it wants it.
func (h *held) reads(other *held) bool {
	return h.lease != nil && h.Config.Key == other.Config.Key && h.every == other.every &&
		slices.Equal(h.Config.Metrics, other.Config.Metrics)
}

// configOf checks trigger i of an object.
func configOf(ctx context.Context, p *Ports, o *v1alpha1.ScaledObject, i int) (trigger.Config, error) {
	kind, known := p.Kinds(o.Spec.Triggers[i].Type)
	if !known {
		return trigger.Config{}, fmt.Errorf("trigger %d (%s): no such type; furl triggers lists those there are", i, o.Spec.Triggers[i].Type)
	}
	in, err := p.Inputs.Input(ctx, o, i)
	if err != nil {
		return trigger.Config{}, err
	}
	return kind.Decode(in)
}

// learn takes over what described sources have said about their metrics since,
// and tells whether that is news.
func (t *triggers) learn() (news bool) {
	for i := range t.all {
		h := &t.all[i]
		if h.lease == nil || len(h.Config.Metrics) > 0 {
			continue
		}
		if m := h.lease.Last().Metrics; !slices.Equal(m, h.Metrics) {
			h.Metrics, news = m, true
		}
	}
	return news
}

// patience is how long a first decision waits for first answers: deciding
// before them would tell every user, after every start, that there are none.
const patience = 10 * time.Second

// wait is until when to wait for first answers; zero when there is nothing to
// wait for. Work that was pushed does not wait.
func (t *triggers) wait(at time.Time) (until time.Time) {
	patient := t.begun.Add(patience)
	if !at.Before(patient) {
		return time.Time{}
	}
	for i := range t.all {
		h := &t.all[i]
		if h.lease == nil {
			continue
		}
		last := h.lease.Last()
		if h.news(&last) {
			return time.Time{}
		}
		if last.Attempted.IsZero() {
			until = patient
		}
	}
	return until
}

// policies are the triggers as they are compiled.
func (t *triggers) policies() []policy.Trigger {
	out := make([]policy.Trigger, len(t.all))
	for i := range t.all {
		out[i] = t.all[i].Trigger
	}
	return out
}

// fault is why the first trigger that cannot be used cannot; empty when all can.
func (t *triggers) fault() string {
	for i := range t.all {
		if why := t.all[i].Fault; why != "" {
			return why
		}
	}
	return ""
}

// stop ends all reading.
func (t *triggers) stop() {
	release(t.all)
	t.all, t.begun = nil, time.Time{}
}

func release(all []held) {
	for i := range all {
		if all[i].lease != nil {
			all[i].lease.Release()
			all[i].lease = nil
		}
	}
}
