package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/api"
	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// compared is what Furl would have done with one workload beside what its
// owner did.
type compared struct {
	Namespace string `json:"namespace"`
	Object    string `json:"object"`
	// Owner is who scales the workload, as far as it can be told.
	Owner string `json:"owner,omitempty"`
	// From and To are between when Furl watched.
	From  time.Time `json:"from"`
	To    time.Time `json:"to"`
	Moves []move    `json:"moves"`
	Sum   summary   `json:"summary"`

	observed []decisions.Record // the oldest first
	says     string             // what the owner says about the size it holds
	now      time.Time
}

// move is one change of size that Furl, the owner, or both wanted.
type move struct {
	At      time.Time `json:"at"`
	Size    int32     `json:"size"`           // before
	Furl    int32     `json:"furl"`           // the size that Furl wanted
	Owner   int32     `json:"owner"`          // the size that the owner gave it
	Verdict verdict   `json:"verdict"`        // how the two compare
	Lead    float64   `json:"leadSeconds"`    // by how much Furl was first; negative when the owner was
	Why     string    `json:"why"`            // Furl's rule and its sentence
	Says    string    `json:"says,omitempty"` // what the owner says, where it still differs
	first   string    // why Furl wanted to move at first
}

// verdict is how what the two wanted compares.
type verdict string

const (
	same    verdict = "same"    // both came to the same size
	differs verdict = "differs" // they did not
	waiting verdict = "waiting" // Furl would have moved, and the owner may yet
)

// patienceWithOwner is how long an owner may take for what Furl does at once:
// two of upstream's sync periods.
const patienceWithOwner = 30 * time.Second

// summary counts the moves.
type summary struct {
	Same    int `json:"same"`
	Differs int `json:"differs"`
	Waiting int `json:"waiting,omitempty"`
	// MedianLead is by how much Furl was first where both came to the same size, in seconds.
	MedianLead float64 `json:"medianLeadSeconds"`
}

// watched are the records of decisions that were not carried out, the oldest
// first. What Furl did itself before is no comparison.
func watched(history []decisions.Record) []decisions.Record {
	var out []decisions.Record
	for i := range history { // the newest first
		if history[i].Mode != api.ModeObserve {
			break
		}
		if history[i].Outcome != unseen {
			out = append(out, history[i])
		}
	}
	slices.Reverse(out)
	return out
}

// moves walks through the records. While Furl wants another size than the
// owner's a move is open; the owner closes it by moving, Furl by agreeing.
func (c *compared) moves() {
	c.Moves = []move{}
	if len(c.observed) == 0 {
		return
	}
	c.From, c.To = begun(&c.observed[0]), c.observed[len(c.observed)-1].At.Time
	var open *move
	for i := range c.observed {
		r := &c.observed[i]
		if i > 0 && r.From != c.observed[i-1].From {
			c.close(open, &c.observed[i-1], r)
			open = nil
		}
		switch {
		case r.To == r.From:
			c.agree(open)
			open = nil
		case open == nil:
			open = &move{At: begun(r), Size: r.From, Furl: r.To, Owner: r.From, Why: reasonOf(r), first: reasonOf(r)}
		default:
			open.Furl, open.Why = r.To, reasonOf(r)
		}
	}
	c.unfinished(open)
	c.sum()
}

// begun is when a decision was first made; alike ones after it share a record.
func begun(r *decisions.Record) time.Time { return r.Since.Time }

// close ends a move by that of the owner, from the size of one record to that of the next.
func (c *compared) close(open *move, before, after *decisions.Record) {
	at := begun(after)
	m := move{At: at, Size: before.From, Furl: before.To, Owner: after.From}
	switch {
	case open != nil:
		m = *open
		m.Owner, m.Lead = after.From, at.Sub(open.At).Seconds()
		if m.Verdict = differs; m.Furl == m.Owner {
			m.Verdict = same
		}
	case after.To == after.From: // the owner was first, and Furl would leave it there
		m.Furl, m.Verdict, m.Why = after.To, same, "the owner was first; then "+reasonOf(after)
	default:
		m.Furl, m.Verdict, m.Why = after.To, differs, reasonOf(after)
	}
	c.Moves = append(c.Moves, m)
}

// agree ends a move that Furl no longer wants: the owner never made it.
func (c *compared) agree(open *move) {
	if open == nil {
		return
	}
	open.Verdict, open.Why = differs, open.first
	c.Moves = append(c.Moves, *open)
}

// unfinished is a move that Furl still wants.
func (c *compared) unfinished(open *move) {
	if open == nil {
		return
	}
	open.Verdict, open.Says = differs, c.says
	if c.now.Sub(open.At) < patienceWithOwner {
		open.Verdict = waiting
	}
	c.Moves = append(c.Moves, *open)
}

func (c *compared) sum() {
	var leads []float64
	for i := range c.Moves {
		switch m := &c.Moves[i]; m.Verdict {
		case same:
			c.Sum.Same++
			leads = append(leads, m.Lead)
		case waiting:
			c.Sum.Waiting++
		case differs:
			c.Sum.Differs++
		}
	}
	if len(leads) > 0 {
		slices.Sort(leads)
		c.Sum.MedianLead = leads[len(leads)/2]
	}
}

func reasonOf(r *decisions.Record) string {
	if r.Why == "" {
		return r.Error
	}
	return fmt.Sprintf("%s: %s", r.Rule, r.Why)
}

// statusWriter is who last wrote the status of an HPA.
func statusWriter(fields []metav1.ManagedFieldsEntry) (who string) {
	var last time.Time
	for i := range fields {
		if f := &fields[i]; f.Subresource == "status" && f.Time != nil && !f.Time.Time.Before(last) {
			who, last = f.Manager, f.Time.Time
		}
	}
	return who
}

// limits are what an HPA says that keeps it from moving.
func limits(all []autoscalingv2.HorizontalPodAutoscalerCondition) string {
	wrong := map[autoscalingv2.HorizontalPodAutoscalerConditionType]corev1.ConditionStatus{
		autoscalingv2.ScalingLimited: corev1.ConditionTrue,
		autoscalingv2.AbleToScale:    corev1.ConditionFalse,
		autoscalingv2.ScalingActive:  corev1.ConditionFalse,
	}
	var out []string
	for i := range all {
		c := &all[i]
		limited, told := wrong[c.Type]
		if told && (c.Status == limited || c.Reason == "ScaleDownStabilized" || c.Reason == "ScaleUpStabilized") {
			out = append(out, fmt.Sprintf("%s: %s", c.Reason, c.Message))
		}
	}
	return strings.Join(out, "; ")
}
