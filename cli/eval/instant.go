package eval

import (
	"fmt"
	"time"
)

// rhythm is the time between observations of an HPA, and between the decisions
// of one that lasts: upstream's. That of a ScaledObject is its polling interval.
const rhythm = 15 * time.Second

// maxTicks is the most decisions that one observation may ask for.
const maxTicks = 100_000

// schedule gives every observation of a script its instants.
func schedule(all []*observation, rhythm time.Duration) error {
	start := time.Date(2000, time.January, 1, 0, 0, 0, 0, time.UTC)
	for i, o := range all {
		if i == 0 {
			if at, err := time.Parse(time.RFC3339, string(o.At)); err == nil {
				start = at
			}
		}
		if err := o.schedule(start, rhythm); err != nil {
			return o.where.wrap(err)
		}
		if i == 0 {
			continue
		}
		before := all[i-1].until
		if o.At == "" {
			o.shift(before.Add(rhythm))
		}
		if !o.from.After(before) {
			return o.where.wrap(fmt.Errorf("at: %s is not after the observation before it, which ends at %s",
				o.from.Sub(start), before.Sub(start)))
		}
	}
	return nil
}

func (o *observation) schedule(start time.Time, rhythm time.Duration) error {
	at, err := instant(o.At, start)
	if err != nil {
		return err
	}
	span, err := duration("for", o.For, 0)
	if err != nil {
		return err
	}
	if o.every, err = duration("every", o.Every, rhythm); err != nil {
		return err
	}
	if o.every < time.Millisecond {
		return fmt.Errorf("every: %s is too short; write 1ms or more", o.every)
	}
	if span/o.every > maxTicks {
		return fmt.Errorf("for: %s with a decision each %s makes more than %d", span, o.every, maxTicks)
	}
	o.from, o.until = at, at.Add(span)
	return nil
}

// dated says that the observation is at an instant of the calendar.
func (o *observation) dated() bool {
	_, err := time.Parse(time.RFC3339, string(o.At))
	return err == nil
}

func (o *observation) shift(to time.Time) {
	span := o.until.Sub(o.from)
	o.from, o.until = to, to.Add(span)
}

func instant(t text, start time.Time) (time.Time, error) {
	if t == "" {
		return start, nil
	}
	if at, err := time.Parse(time.RFC3339, string(t)); err == nil {
		return at, nil
	}
	d, err := duration("at", t, 0)
	if err != nil {
		return time.Time{}, fmt.Errorf("at: %q is neither an offset such as 30s nor an instant such as 2026-01-31T15:04:05Z", t)
	}
	return start.Add(d), nil
}

func duration(field string, t text, otherwise time.Duration) (time.Duration, error) {
	if t == "" {
		return otherwise, nil
	}
	d, err := time.ParseDuration(string(t))
	if err != nil {
		return 0, fmt.Errorf("%s: %q is not a duration such as 90s or 5m", field, t)
	}
	if d < 0 {
		return 0, fmt.Errorf("%s: %s is negative", field, d)
	}
	return d, nil
}
