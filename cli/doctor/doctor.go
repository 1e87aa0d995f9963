// Package doctor finds, from what a cluster says of itself, why a workload does
// not have the size that somebody expects, and what to do about it.
//
// A [Snapshot] is gathered once, with the user's rights; each rule is a function
// of it and no more, so that every symptom can be told in a table.
package doctor

import (
	"cmp"
	"slices"
)

// Severity says how much a finding matters. The set is closed.
type Severity string

// How much a finding can matter.
const (
	Error   Severity = "error"   // something does not work until somebody mends it
	Warning Severity = "warning" // something is held back, or will be
	Note    Severity = "note"    // it works as it should, and this is why it looks as it does
)

func (s Severity) rank() int { return slices.Index([]Severity{Error, Warning, Note}, s) }

// Finding is one thing that somebody should know.
type Finding struct {
	// Rule is the name of the rule that found it.
	Rule     string   `json:"rule"`
	Severity Severity `json:"severity"`
	// Object is what it is about, as kind/name.
	Object    string `json:"object"`
	Namespace string `json:"namespace,omitempty"`
	// Sentence says what is wrong.
	Sentence string `json:"sentence"`
	// Evidence is what the cluster said, each with its place.
	Evidence []string `json:"evidence,omitempty"`
	// Do is what to do about it: sentences, and commands to type.
	Do []string `json:"do,omitempty"`

	about []Ref // what it touches beside the object; nil: the whole cluster
}

// Report is what a visit found.
type Report struct {
	// Scope is what was asked about.
	Scope string `json:"scope"`
	// Looked counts what was read, by kind.
	Looked []Count `json:"looked"`
	// Unread is what could not be read, and why: of it nothing is known.
	Unread []string `json:"unread,omitempty"`
	// Findings come with the worst first.
	Findings []Finding `json:"findings"`
}

// Count is how many objects of a kind were read.
type Count struct {
	What string `json:"what"`
	N    int    `json:"n"`
}

// Failed tells that something was found that does not work.
func (r *Report) Failed() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Error })
}

// rules in the order in which their findings are told among equals: first what
// explains others.
func rules() []func(*Snapshot) []Finding {
	return []func(*Snapshot) []Finding{
		nobody,      // without an operator nothing below matters
		frozen,      // somebody ordered it
		apis,        // where numbers come from
		skewed,      // instants mean nothing
		owners,      // two write one size
		overlapping, // pods of two
		requests,    // a share of nothing
		denied,      // a source refuses
		unknown,     // a source is silent
		jobs,        // nothing starts
		pending,     // no node for the pods
		uncreated,   // no pods for the workload
		slow,        // pods that do no work yet
		held,        // the rules of the decision
	}
}

// Examine asks every rule.
func Examine(s *Snapshot) *Report {
	r := &Report{Scope: s.Scope.String(), Looked: s.looked(), Unread: slices.Clone(s.Unread), Findings: []Finding{}}
	about := s.touched()
	for _, find := range rules() {
		for _, f := range find(s) {
			if s.Scope.Name == "" && f.Severity == Note && f.Rule == ruleHeld {
				continue // at rest every workload is held by something
			}
			if s.concerns(&f, about) {
				r.Findings = append(r.Findings, f)
			}
		}
	}
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return cmp.Compare(a.Severity.rank(), b.Severity.rank()) })
	return r
}

// concerns tells that a finding touches what was asked about.
func (s *Snapshot) concerns(f *Finding, about []Ref) bool {
	return s.Scope.Name == "" || f.about == nil || slices.ContainsFunc(f.about, func(r Ref) bool { return slices.Contains(about, r) })
}
