package actuation

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	"k8s.io/apimachinery/pkg/types"
)

// Told is what HPAs are told of ScaledObjects' metrics: the values that the
// latest record of an object decides by. Nothing is read for it.
type Told struct {
	Book  *record.Book
	Clock func() time.Time
}

// Value is one value, in milli-units.
type Value struct {
	Milli int64
	At    time.Time
}

// Value is the value of a metric of an object, or why there is none.
func (t Told) Value(object types.NamespacedName, metric string) (Value, error) {
	r, ok := t.Book.Latest(record.Workload{Namespace: object.Namespace, Kind: shortKind, Name: object.Name})
	if !ok {
		return Value{}, fmt.Errorf("ScaledObject %s: nothing was decided about it yet: is there one, and is it ready?", object)
	}
	return ValueIn(&r.Record, t.Clock(), object, metric)
}

// shortKind names ScaledObjects in records.
const shortKind = "scaledobject"

// ValueIn is what a record tells of a metric as of an instant: a reading that has been stale
// since is no value.
func ValueIn(r *loop.Record, at time.Time, object types.NamespacedName, metric string) (Value, error) {
	switch {
	case r.Outcome == loop.Unseen:
		return Value{}, fmt.Errorf("ScaledObject %s: the size of its workload cannot be read: %w", object, r.Err)
	case r.Policy.Pause.On:
		return Value{}, fmt.Errorf("ScaledObject %s is paused, so its triggers are not read", object)
	}
	seen := r.Seen
	seen.At = at
	all := engine.Values(r.Policy, seen, r.Past)
	// Clients ask in small letters, whatever the name that an HPA has: s0-cron-UTC-0xxxx.
	i := slices.IndexFunc(all, func(v engine.Reading) bool { return strings.EqualFold(v.Signal, metric) })
	if i < 0 {
		return Value{}, fmt.Errorf("no matching metrics found for %s of ScaledObject %s", metric, object)
	}
	if v := &all[i]; v.Missing != "" {
		return Value{}, fmt.Errorf("metric %s of ScaledObject %s: %s", metric, object, v.Missing)
	}
	milli := min(all[i].Value, math.MaxInt64/2)
	return Value{Milli: int64(milli), At: all[i].At}, nil
}
