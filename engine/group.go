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
	// Fill is what missing pods count for when the others would shrink the workload.
	Fill int64
}
