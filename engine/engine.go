// Package engine decides how many replicas a workload should have.
//
// Everything here is a function of its arguments: no clock, no network, no
// goroutine, no logger, no package state. The operator, the simulator, the
// replay of a record and the offline `furl eval` all call [Decide]; there is
// no second place that knows a replica count.
//
// Values are in milli-units (one thousandth), as Kubernetes quantities count
// them: 250 is a quarter of a core, 5000 is five messages.
package engine

import (
	"slices"
	"time"
)

// Policy is a validated, defaulted scaling rule without any Kubernetes types.
// Package policy compiles it from what the user wrote.
type Policy struct {
	// Min and Max bound the size, inclusive. Min may be 0.
	Min, Max int32
	Signals  []Signal
	// Tolerance is how far a ratio may be from 1 without moving the size.
	Tolerance Tolerance
	// Up and Down hold what the user allows in each direction.
	Up, Down Scaling
	// Burst limits growth where the user gave no behavior at all; its zero
	// value means that behavior was given and Up and Down speak.
	Burst Burst
	// Grace says from when on a CPU sample of a young pod counts.
	Grace Grace
	// The rest is what a ScaledObject has beyond an HPA; the zero value of each means an HPA.

	// Pause leaves the size to the user.
	Pause Pause
	// Activation takes the workload to nothing and back.
	Activation Activation
	// Fallback speaks for signals that cannot be read.
	Fallback Fallback
	// Composite computes a signal from others.
	Composite Composite
}

// Tolerance is a fraction for each direction: 0.1 ignores ratios of up to 1.1 and down to 0.9.
type Tolerance struct{ Up, Down float64 }

// Scaling is what the user allows in one direction.
type Scaling struct {
	// Window is the stabilization window: how long a change must have been wanted.
	Window time.Duration
	// Select picks among Limits; SelectDisabled forbids the direction.
	Select Select
	// Limits bound the change per period. None means unlimited.
	Limits []Limit
}

// Select says which of several limits counts.
type Select uint8

// The selections of autoscaling/v2.
const (
	SelectMax Select = iota
	SelectMin
	SelectDisabled
)

// Limit bounds the change within Period: by Pods, or by Percent of the size at the period's start.
type Limit struct {
	Percent bool
	Value   int32
	Period  time.Duration
}

// Burst is upstream's limit without behavior: max(Factor × size, Floor) in one
// step. Upstream counts from the size of its last sync; Furl decides more
// often and counts from the size one Period ago.
type Burst struct {
	Factor float64
	Floor  int32
	Period time.Duration
}

// Grace is upstream's patience with pods that have just started.
type Grace struct {
	// CPUInitialization is how long after its start a pod's CPU may be skipped.
	CPUInitialization time.Duration
	// InitialReadiness is how soon after the start a readiness change still means "was never ready".
	InitialReadiness time.Duration
}

// Signal says how one measurement becomes a replica count.
type Signal struct {
	// Name is unique within the policy, such as "cpu" or "queue"; readings name it.
	Name string
	// Label is the wording of conditions and events, such as
	// "cpu resource utilization (percentage of request)".
	Label  string
	Kind   Kind
	Target Target
	// Activation is the value, in milli-units, above which there is work; see the type [Activation].
	Activation int64
	// CPU marks the signal whose young pods are measured with [Grace].
	CPU bool
	// Fault is why this signal can never be read, such as an unknown source type. Empty: it can.
	Fault string
}

// Kind is where a signal's numbers come from.
type Kind uint8

// The sources of autoscaling/v2.
const (
	// PerPod values are summed over the pods of the workload (Resource, ContainerResource, Pods).
	PerPod Kind = iota
	// Object is one value that describes another object.
	Object
	// External is one value from outside the cluster.
	External
)

// TargetKind is how a value is compared.
type TargetKind uint8

// The targets of autoscaling/v2.
const (
	// Utilization compares with the pods' requests; Target.Value is a percentage.
	Utilization TargetKind = iota
	// AverageValue divides the total by the replicas; Target.Value is in milli-units.
	AverageValue
	// Value compares the whole; Target.Value is in milli-units.
	Value
)

// Target is what the user wants a signal to be.
type Target struct {
	Kind  TargetKind
	Value int64 // percent for Utilization, milli-units otherwise; above 0
}

// Replicas are the two sizes of a /scale object.
type Replicas struct {
	Spec   int32 // wanted now
	Status int32 // existing now
}

// Observation is what was true at one instant. It holds no pods: its size is
// the number of signals.
type Observation struct {
	At       time.Time
	Replicas Replicas
	Readings []Reading
}

// Reading is one signal's measurement, or the reason there is none.
type Reading struct {
	// Signal is the name of the signal that was read.
	Signal string
	// Usage holds per-pod measurements, see [Group].
	Usage Usage
	// Value is the total of an Object or External signal, in milli-units. NaN,
	// infinite and negative values count as missing.
	Value float64
	// ReadyPods counts pods that are Running and Ready, Listed all pods of the
	// selector. Value targets multiply by the first and fail when there is none
	// of the second; nothing else looks at them.
	ReadyPods, Listed int32
	// Activity is set where the source itself knows whether there is work.
	Activity Activity
	// At is the instant of the measurement, or of the attempt that failed.
	At time.Time
	// ValidUntil is the instant from which the reading is stale; zero means never.
	ValidUntil time.Time
	// Missing is why there is no measurement. Empty: there is one.
	Missing string
}

// History is what later decisions need from earlier ones: bounded,
// serialisable, never modified in place. The zero value is a workload never
// seen before.
type History struct {
	// Seen is set once the size at first sight was noted as a recommendation.
	Seen bool `json:"seen,omitempty"`
	// Low and High are monotone deques over the recommendations of the up and
	// the down window: Low holds candidates for the minimum, High for the maximum.
	Low  []Want `json:"low,omitempty"`
	High []Want `json:"high,omitempty"`
	// Resizes are the changes made by Furl itself within the longest period.
	Resizes []Resize `json:"resizes,omitempty"`
	// Asleep is set while the workload has no replicas because Furl took them:
	// only then may Furl start it again.
	Asleep bool `json:"asleep,omitempty"`
	// LastActive is when the workload last had work; zero means never.
	LastActive time.Time `json:"lastActive,omitzero"`
	// Failures are of the signals that failed at the last attempt.
	Failures []Failure `json:"failures,omitempty"`
	// Paused is set once a pause took the workload to the size PausedAt.
	Paused   bool  `json:"paused,omitempty"`
	PausedAt int32 `json:"pausedAt,omitempty"`
}

// Want is a past recommendation, before it was stabilised or limited.
type Want struct {
	At       time.Time `json:"at"`
	Replicas int32     `json:"replicas"`
}

// Resize is a past change of size: positive for growth.
type Resize struct {
	At     time.Time `json:"at"`
	Change int32     `json:"change"`
}

// Decision is the answer and its explanation.
type Decision struct {
	At   time.Time `json:"at"`
	From int32     `json:"from"`
	To   int32     `json:"to"`
	// Next is the first instant at which the answer may change without new data; zero means none.
	Next time.Time `json:"next,omitzero"`
	// Steps is the explanation, in the order the rules spoke.
	Steps []Step `json:"steps,omitempty"`
	// Proposals has one entry per signal, in the policy's order; nil when no signal was asked.
	Proposals []Proposal `json:"proposals,omitempty"`
	// Activity has one entry per signal that can be active; nil for an HPA.
	Activity []SignalActivity `json:"activity,omitempty"`
	// Held is set when failing signals kept the size where it is.
	Held bool `json:"held,omitempty"`
}

// Find returns the last step of a rule, and whether the rule spoke.
func (d Decision) Find(r Rule) (Step, bool) {
	for _, s := range slices.Backward(d.Steps) {
		if s.Rule == r {
			return s, true
		}
	}
	return Step{}, false
}

// Last returns the step to show where there is room for one, and whether any
// rule spoke: the one that had the last word. A pick of one out of one says
// nothing, so the step that made the proposal stands for it.
func (d Decision) Last() (Step, bool) {
	if len(d.Steps) == 0 {
		return Step{}, false
	}
	last := d.Steps[len(d.Steps)-1]
	if last.Rule != RulePick || last.Args[0] != 1 {
		return last, true
	}
	for _, s := range slices.Backward(d.Steps) {
		if s.Signal == last.Signal && s.Rule != RulePick {
			return s, true
		}
	}
	return last, true
}

// Proposal is what one signal alone would do, and the numbers a status shows.
type Proposal struct {
	Signal   string `json:"signal"`
	Replicas int32  `json:"replicas"`
	// Ratio is usage over target, before missing and unready pods were filled in.
	Ratio float64 `json:"ratio"`
	// Average is the usage per pod and Total the whole, in milli-units; Utilization is in percent of the requests.
	Average     int64 `json:"average"`
	Total       int64 `json:"total"`
	Utilization int32 `json:"utilization,omitempty"`
	// Missing is why the signal made no proposal. Empty: it made one.
	Missing string `json:"missing,omitempty"`
}
