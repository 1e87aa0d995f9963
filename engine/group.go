package engine

import "time"

// Phase is the part of a pod's phase that grouping looks at.
type Phase uint8

// Phases as upstream groups them; Succeeded counts like Running.
const (
	Running Phase = iota
	Pending
	Failed
	Succeeded
)

// Readiness is a pod's Ready condition.
type Readiness uint8

// The states of a Ready condition.
const (
	NoReadiness Readiness = iota // there is no Ready condition
	Ready
	NotReady
	ReadinessUnknown
)

// Pod is one pod as one signal sees it. A slice of them lives for one call of [Group].
type Pod struct {
	Name      string
	Phase     Phase
	Deleting  bool
	Readiness Readiness
	// ReadySince is the last transition of the Ready condition.
	ReadySince time.Time
	// Started is the pod's start time; nil-ness is Begun.
	Started time.Time
	Begun   bool
	// Request is the pod's (or container's) request of the resource in milli-units, see NoRequest.
	Request int64
	// NoRequest is why the request is unknown. Empty: it is known. One such pod fails a Utilization signal.
	NoRequest string
	// Measured says that Value, in milli-units, was sampled at At over Window.
	Measured bool
	Value    int64
	At       time.Time
	Window   time.Duration
	// Stray marks a measurement whose pod the selector does not list.
	Stray bool
}

// Usage is what [Group] makes of the pods: constant in size.
type Usage struct {
	Ready   Tally // measured pods that count
	Stray   Tally // measurements without a pod
	Missing Tally // pods without a measurement
	Unready Tally // pending, or too young for their CPU to mean anything
	Ignored int32 // deleted or failed
	Listed  int32 // pods of the selector, all groups
	// Fault is why the pods give no usage at all, as upstream words it. Empty: they do.
	Fault string
}

// Tally is a group of pods: how many, and the sums of what they use and request, in milli-units.
type Tally struct {
	Pods     int32
	Value    int64
	Requests int64
	// Fill is what missing pods count for when the others would shrink the
	// workload: their whole request, or the target where that is higher.
	Fill int64
}

// Wording of upstream for pods that give no usage.
const (
	noPods      = "no pods returned by selector while calculating replica count"
	noMetrics   = "did not receive metrics for targeted pods (pods might be unready)"
	noneMatched = "no metrics returned matched known pods"
)

// Group sums the pods of a workload as signal s counts them at an instant. The
// order of the pods does not matter.
func Group(pods []Pod, at time.Time, s Signal, g Grace) Usage {
	var u Usage
	var unrequested *Pod
	for i := range pods {
		p := &pods[i]
		if p.Stray {
			if p.measured() {
				u.Stray.add(p, 0)
			}
			continue
		}
		u.Listed++
		if p.NoRequest != "" && (unrequested == nil || p.Name < unrequested.Name) {
			unrequested = p
		}
		if t := u.tally(p, at, s.CPU, g); t != nil {
			t.add(p, fill(p, s.Target))
		} else {
			u.Ignored++
		}
	}
	u.Fault = u.fault(s.Target.Kind, unrequested)
	return u
}

// tally returns the group a pod belongs to, nil for one that is ignored. The
// order of the questions is upstream's.
func (u *Usage) tally(p *Pod, at time.Time, cpu bool, g Grace) *Tally {
	switch {
	case p.Deleting || p.Phase == Failed:
		return nil
	case p.Phase == Pending:
		return &u.Unready
	case !p.measured():
		return &u.Missing
	case cpu && p.young(at, g):
		return &u.Unready
	default:
		return &u.Ready
	}
}

// measured is false for a negative value too: no resource is used less than not at all.
func (p *Pod) measured() bool { return p.Measured && p.Value >= 0 }

// young says that the pod's CPU does not show its load yet: it is starting, or
// has never been ready.
func (p *Pod) young(at time.Time, g Grace) bool {
	if p.Readiness == NoReadiness || !p.Begun {
		return true
	}
	if p.Started.Add(g.CPUInitialization).After(at) {
		return p.Readiness == NotReady || p.At.Before(p.ReadySince.Add(p.Window))
	}
	return p.Readiness == NotReady && p.Started.Add(g.InitialReadiness).After(p.ReadySince)
}

// fill is what a pod counts for when it has no measurement and the others
// would shrink the workload.
func fill(p *Pod, t Target) int64 {
	if t.Kind == Utilization {
		return mulDiv(max(p.Request, 0), max(100, t.Value), 100)
	}
	return max(t.Value, 0)
}

func (t *Tally) add(p *Pod, fill int64) {
	t.Pods++
	if p.measured() {
		t.Value = addSaturating(t.Value, p.Value)
	}
	if !p.Stray {
		t.Requests = addSaturating(t.Requests, max(p.Request, 0))
	}
	t.Fill = addSaturating(t.Fill, fill)
}

// fault says why the pods give no usage. Upstream fails the whole signal for
// one pod without a request, even an ignored one.
func (u *Usage) fault(k TargetKind, unrequested *Pod) string {
	switch {
	case u.Listed == 0:
		return noPods
	case u.Ready.Pods+u.Stray.Pods == 0:
		return noMetrics
	case k != Utilization:
		return ""
	case unrequested != nil:
		return unrequested.NoRequest
	case u.Ready.Requests == 0:
		return noneMatched
	default:
		return ""
	}
}
