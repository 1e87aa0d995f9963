package measure

import (
	"errors"
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
)

// SelectorError is why the pods of a workload cannot be told, in upstream's words.
type SelectorError struct {
	// Event and Condition are the reasons of the event and of the condition.
	Event, Condition string
	// Message is the condition's message, Text the event's and the error.
	Message, Text string
}

func (f *SelectorError) Error() string { return f.Text }

// FaultOf is the selector's fault in an error, or nil.
func FaultOf(err error) *SelectorError {
	f, _ := errors.AsType[*SelectorError](err)
	return f
}

// Choose makes the workload's pods follow a selector in its string form and
// checks that they are the owner's alone.
func (w *Workload) Choose(selector string) error {
	if selector == "" {
		return &SelectorError{
			Event: "SelectorRequired", Condition: "InvalidSelector",
			Message: "the HPA target's scale is missing a selector", Text: "selector is required",
		}
	}
	if w.selected == nil || w.chosen != selector {
		s, err := labels.Parse(selector)
		if err != nil {
			text := fmt.Sprintf("couldn't convert selector into a corresponding internal selector object: %v", err)
			return &SelectorError{Event: "InvalidSelector", Condition: "InvalidSelector", Message: text, Text: text}
		}
		w.selected, w.chosen = w.Index.Select(w.Owner, s), selector
	}
	if rival, shared := w.selected.Rival(); shared {
		text := fmt.Sprintf("pods by selector %v are controlled by more than one HPA (e.g. [%v %v])", selector, rival, w.Owner)
		return &SelectorError{Event: "AmbiguousSelector", Condition: "AmbiguousSelector", Message: text, Text: text}
	}
	return nil
}

// Selector is what the pods are selected by; nil before [Workload.Choose].
func (w *Workload) Selector() labels.Selector {
	if w.selected == nil {
		return nil
	}
	return w.selected.Selector()
}

// Release gives up the selection.
func (w *Workload) Release() {
	w.Index.Release(w.Owner)
	w.selected, w.chosen = nil, ""
}
