package hpa

import (
	"fmt"
	"time"
)

// Control says which HPAs Furl reconciles.
type Control string

// The values of --hpa-controller.
const (
	// Auto takes HPAs that nobody else serves.
	Auto Control = "auto"
	// On takes all of them.
	On Control = "on"
	// Off takes none.
	Off Control = "off"
)

// ParseControl reads the value of the flag.
func ParseControl(s string) (Control, error) {
	switch c := Control(s); c {
	case Auto, On, Off:
		return c, nil
	default:
		return "", fmt.Errorf("hpa-controller %q: want auto, on or off", s)
	}
}

// UnservedAfter is how old an HPA without any condition must be for nobody to
// serve it, unless told otherwise. Upstream at its slowest, with 3,000 HPAs at
// its default limits, took 151 s to come round.
const UnservedAfter = 180 * time.Second

// owner is who decides about an HPA.
type owner uint8

const (
	nobody   owner = iota // not yet known: wait
	upstream              // kube-controller-manager, or somebody else
	furl
)

// ownerOf decides whose an HPA is at an instant, where one without conditions
// is nobody's after the given time, and when that may change by the clock
// alone; zero for never.
func (c Control) ownerOf(s Seen, at time.Time, unserved time.Duration) (owner, time.Time) {
	switch {
	case c == On:
		return furl, time.Time{}
	case c == Off, !s.Upstream.IsZero():
		return upstream, time.Time{}
	case s.Ours:
		return furl, time.Time{}
	case len(s.Object.Status.Conditions) > 0:
		return upstream, time.Time{} // some other controller serves it
	}
	if due := s.Object.CreationTimestamp.Add(unserved); at.Before(due) {
		return nobody, due
	}
	return furl, time.Time{}
}
