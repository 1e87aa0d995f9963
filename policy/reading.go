package policy

import (
	"fmt"
	"slices"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/trigger"
)

// Read makes a reading of what a trigger measured, as signal s counts it. Ready
// and listed pods, and how long it is valid, are the caller's to add.
func Read(s engine.Signal, src Source, x trigger.Sample) engine.Reading {
	v, missing := valueOf(src, x)
	if missing != "" {
		return Unread(s, x.At, missing)
	}
	r := engine.Reading{Signal: s.Name, Value: MilliValue(v), At: x.At}
	switch above := v > src.Activation; {
	case x.Active != nil:
		r.Activity = activityOf(*x.Active)
	case v >= 0 && above != (r.Value > float64(s.Activation)):
		r.Activity = activityOf(above) // by less than a thousandth, which rounding took away
	}
	return r
}

func activityOf(active bool) engine.Activity { //nolint:revive // flag-parameter: translates the flag itself
	if active {
		return engine.Active
	}
	return engine.Inactive
}

// Unread is the reading of an attempt that failed.
func Unread(s engine.Signal, at time.Time, why string) engine.Reading {
	return engine.Reading{Signal: s.Name, At: at, Missing: why}
}

// valueOf finds the metric's own value among those of a trigger that has several.
func valueOf(src Source, x trigger.Sample) (v float64, missing string) {
	if len(x.Parts) == 0 {
		return x.Value, ""
	}
	i := slices.IndexFunc(x.Parts, func(p trigger.Part) bool { return p.Metric == src.MetricName })
	if i < 0 {
		return 0, fmt.Sprintf("the source gave no value for %s", src.MetricName)
	}
	return x.Parts[i].Value, ""
}
