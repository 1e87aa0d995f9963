package v1alpha1

import (
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Decision is the latest decision about one workload. Its name is the short
// kind and the name of the object that asked for scaling: hpa.php-apache.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
type Decision struct {
	metav1.TypeMeta `json:",inline"`
	// Standard object's metadata.
	// +optional
	metav1.ObjectMeta `json:"metadata,omitzero"`
	// The object that asked for scaling, as kind/name: hpa/php-apache.
	Object string `json:"object"`
	// The latest decision.
	Latest Record `json:"latest"`
	// Earlier decisions, the newest first, when the history is asked for.
	// +optional
	// +listType=atomic
	History []Record `json:"history,omitempty"`
}

// DecisionList is a list of decisions.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
type DecisionList struct {
	metav1.TypeMeta `json:",inline"`
	// Standard list metadata.
	// +optional
	metav1.ListMeta `json:"metadata,omitzero"`
	// One decision for each workload.
	Items []Decision `json:"items"`
}

// Record is one decision: from what size to which, and why.
type Record struct {
	// When it was decided.
	At metav1.MicroTime `json:"at"`
	// When the first of the alike decisions in a row was made, of which this is the latest.
	Since metav1.MicroTime `json:"since"`
	// How many decisions in a row were alike: same size, same rules, other numbers.
	Alike int64 `json:"alike"`
	// The number of replicas before.
	From int32 `json:"from"`
	// The number of replicas decided on.
	To int32 `json:"to"`
	// What came of it: unchanged, scaled, observed, frozen, failed or unseen.
	Outcome string `json:"outcome"`
	// Who lets no size be written, why and how long, while a freeze is in force.
	// +optional
	Freeze string `json:"freeze,omitempty"`
	// observe where Furl only decides and records; empty where it scales.
	// +optional
	Mode string `json:"mode,omitempty"`
	// Why the size could not be read or written, or why no signal could be read.
	// +optional
	Error string `json:"error,omitempty"`
	// The rule that had the last word; of a single proposal, the rule that made it.
	// +optional
	Rule string `json:"rule,omitempty"`
	// The sentence of that rule.
	// +optional
	Why string `json:"why,omitempty"`
	// Every rule that spoke, in order.
	// +optional
	// +listType=atomic
	Steps []Step `json:"steps,omitempty"`
	// What was measured, in the order of the object's metrics.
	// +optional
	// +listType=atomic
	Signals []Signal `json:"signals,omitempty"`
	// The first instant at which the decision may change without new data.
	// +optional
	Next *metav1.MicroTime `json:"next,omitempty"`
	// Everything the decision was made from, to replay it, when asked for.
	// +optional
	Evidence *runtime.RawExtension `json:"evidence,omitempty"`
}

// Step is one rule's effect on the number of replicas.
type Step struct {
	// The rule that spoke.
	Rule string `json:"rule"`
	// The signal it is about.
	// +optional
	Signal string `json:"signal,omitempty"`
	// The number of replicas before the rule.
	Before int32 `json:"before"`
	// The number of replicas after the rule.
	After int32 `json:"after"`
	// What the rule did and why, with the numbers.
	Sentence string `json:"sentence"`
	// The numbers in the sentence, as text: they may be infinite.
	// +optional
	// +listType=atomic
	Args []string `json:"args,omitempty"`
}

// Signal is one measurement and what it alone would lead to.
type Signal struct {
	// The name of the signal, such as cpu.
	Name string `json:"name"`
	// What is wanted.
	Target Target `json:"target"`
	// The usage in percent of the requests, for a Utilization target.
	// +optional
	Utilization *int32 `json:"utilization,omitempty"`
	// The usage per pod.
	// +optional
	Average *resource.Quantity `json:"average,omitempty"`
	// The usage of all pods, or the value as measured.
	// +optional
	Total *resource.Quantity `json:"total,omitempty"`
	// The number of replicas that this signal alone asks for.
	// +optional
	Replicas *int32 `json:"replicas,omitempty"`
	// Why there is no measurement.
	// +optional
	Missing string `json:"missing,omitempty"`
}

// Target is what a signal is compared with.
type Target struct {
	// Utilization, AverageValue or Value.
	Type string `json:"type"`
	// Percent of the requests, for Utilization.
	// +optional
	Utilization *int32 `json:"utilization,omitempty"`
	// The value, for the other types.
	// +optional
	Value *resource.Quantity `json:"value,omitempty"`
}

// HistoryOptions are the query of decisions/NAME/history.
//
// +k8s:deepcopy-gen:interfaces=k8s.io/apimachinery/pkg/runtime.Object
type HistoryOptions struct {
	metav1.TypeMeta `json:",inline"`
	// The greatest number of records, 0 for all that are kept.
	// +optional
	Limit int64 `json:"limit,omitempty"`
	// Only records at or after this instant, in RFC 3339.
	// +optional
	Since string `json:"since,omitempty"`
	// Whether to add what each decision was made from.
	// +optional
	Evidence bool `json:"evidence,omitempty"`
}
