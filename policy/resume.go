package policy

import (
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/engine"
)

// Resume is the history to go on with from what the status says, at an instant:
// an active object counts as active now.
func Resume(so *v1alpha1.ScaledObject, at time.Time) engine.History {
	k := engine.Known{Active: so.Status.Conditions.IsTrue(v1alpha1.ConditionActive)}
	if t := so.Status.LastActiveTime; t != nil {
		k.LastActive = t.Time
	}
	if n := so.Status.PausedReplicaCount; n != nil {
		k.Paused, k.PausedAt = true, *n
	}
	for name, h := range so.Status.Health {
		if h.NumberOfFailures != nil && *h.NumberOfFailures > 0 {
			k.Failures = append(k.Failures, engine.Failure{Signal: name, InARow: *h.NumberOfFailures})
		}
	}
	slices.SortFunc(k.Failures, func(a, b engine.Failure) int { return strings.Compare(a.Signal, b.Signal) })
	return engine.Resumed(at, k)
}
