package scaledobject

import (
	"strings"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
)

// askAgain is how long a trigger that does not work goes on with what it was
// told of its workload. KEDA asks again at each poll that fails: nobody watches
// the templates of pods, in which a user may have mended a variable.
const askAgain = v1alpha1.DefaultPollingInterval

// doubt is when to ask again for what triggers take from the workload, because
// one of them does not work; zero while all do.
func (t *triggers) doubt() time.Time {
	for i := range t.all {
		if h := &t.all[i]; h.fails() && asksWorkload(h.spec) {
			return t.asked.Add(askAgain)
		}
	}
	return time.Time{}
}

// fails tells that a trigger cannot be used, or was read in vain.
func (h *held) fails() bool { return h.Fault != "" || h.lease != nil && h.lease.Last().Err != nil }

// asksWorkload tells that a trigger may take something from the pods' template:
// a variable, or by its authentication the role of a service account. All else
// that it may refer to is watched.
func asksWorkload(t *v1alpha1.ScaleTriggers) bool {
	if t.AuthenticationRef != nil {
		return true
	}
	for key := range t.Metadata {
		if strings.HasSuffix(key, "FromEnv") {
			return true
		}
	}
	return false
}

// doubts tells whether it is time to ask again: also at once when the workload
// could not be found at the last turn, for it may be there now.
func (a *Scaler) doubts(at time.Time) bool {
	due := a.eye.triggers.doubt()
	return !due.IsZero() && (a.lost || !at.Before(due))
}
