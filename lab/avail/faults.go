package avail

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// What becomes of the API server, for both replicas.
const (
	Gone    = "gone"    // nobody listens
	Busy    = "429"     // says so to everything, and to come again in a second
	Clash   = "409"     // says so to every write but the lease's
	Watches = "watches" // all end, and new ones are refused
)

// Faults are all of them.
func Faults() []string { return []string{Gone, Busy, Clash, Watches} }

// Fault is what one took.
type Fault struct {
	Kind   string `json:"kind"`
	Lasted Span   `json:"lastedSeconds"`
	// Written is when the first size was written since the fault had ended, and Right when each size had been the right one.
	Written Span     `json:"writtenSeconds"`
	Right   Span     `json:"rightSeconds"`
	Writes  int      `json:"writes"`
	Foreign []string `json:"writesByOthers,omitempty"`
	Wrong   []string `json:"wrongSizes,omitempty"`
	Load    string   `json:"loadAverage"`
}

// freshRetried is fresh where an answer makes the client try again: for the 10 s that one call may take.
const freshRetried = fresh + 10*time.Second

// recoverWithin is the bar, and when to stop waiting: client-go's watches wait for up to 30 s between two tries.
const recoverWithin = time.Minute

// Err says what a fault must not show.
func (f *Fault) Err() error {
	var all []error
	if len(f.Foreign) > 0 {
		all = append(all, fmt.Errorf("%s: written by one who did not hold the lease:\n  %s", f.Kind, strings.Join(f.Foreign, "\n  ")))
	}
	if len(f.Wrong) > 0 {
		all = append(all, fmt.Errorf("%s: sizes that were not right:\n  %s", f.Kind, strings.Join(f.Wrong, "\n  ")))
	}
	return errors.Join(all...)
}

// String is a line of progress.
func (f *Fault) String() string {
	return fmt.Sprintf("%-7s for %s  first size %s after it had ended, all right after %s; %d writes, %d by others than the holder, %d wrong sizes; load average %s",
		f.Kind, f.Lasted, f.Written, f.Right, f.Writes, len(f.Foreign), len(f.Wrong), f.Load)
}

// Break has the API server fail in one of the ways for both replicas, and waits until all is well again.
func (h *Harness) Break(ctx context.Context, kind string) (Fault, error) {
	if err := h.prepare(ctx); err != nil {
		return Fault{}, err
	}
	lasts := h.Fault
	if kind == Gone {
		lasts = h.Gone
	}
	from := time.Now()
	if err := h.setFault(kind); err != nil {
		return Fault{}, err
	}
	err := h.meanwhile(ctx, kind, lasts)
	h.mend()
	ended := time.Now()
	if err != nil {
		return Fault{}, err
	}
	f := Fault{Kind: kind, Lasted: Span(ended.Sub(from))}
	err = await(ctx, recoverWithin, "a size", func() (bool, error) {
		log, err := h.audited()
		for i := range log {
			if e := &log[i]; e.is("deployments/scale") && e.by() != "" && e.worked() && e.Received.After(ended) {
				f.Written = Span(e.Received.Sub(ended))
				return true, err
			}
		}
		return false, err
	})
	if err != nil {
		return f, err
	}
	if err := h.right(ctx, recoverWithin); err != nil {
		return f, err
	}
	f.Right = Span(time.Since(ended))
	if err := pause(ctx, h.After); err != nil {
		return f, err
	}
	v, err := h.judge(from, freshRetried)
	f.Writes, f.Foreign, f.Wrong, f.Load = v.writes, v.foreign, v.wrong, load()
	return f, err
}

func (h *Harness) setFault(kind string) error {
	for _, r := range h.replicas {
		switch kind {
		case Gone:
			r.proxy.valve.set(refused)
		case Busy:
			r.proxy.say(busy)
		case Clash:
			r.proxy.say(conflicts)
		case Watches:
			r.proxy.say(blind)
		default:
			return fmt.Errorf("%q is no way to break an API server: say %s", kind, strings.Join(Faults(), ", "))
		}
	}
	return nil
}

// meanwhile has a person write sizes that the operators cannot see, and that are within bounds: what is beyond is brought back without data.
func (h *Harness) meanwhile(ctx context.Context, kind string, lasts time.Duration) error {
	if err := pause(ctx, lasts/2); err != nil {
		return err
	}
	if kind == Watches {
		for i := range h.ScaledObjects {
			if err := h.resize(ctx, objectName(i), most); err != nil {
				return err
			}
		}
	}
	return pause(ctx, lasts/2)
}

func (h *Harness) mend() {
	for _, r := range h.replicas {
		r.proxy.valve.set(flows)
		r.proxy.say(itself)
	}
}
