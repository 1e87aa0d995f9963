package metricsapi

import (
	"slices"
	"strconv"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/decisions/v1alpha1"
	"github.com/furl-dev/furl/engine"
	"github.com/furl-dev/furl/loop"
	"github.com/furl-dev/furl/record"
	quantity "k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// decision is the API's form of a workload's latest record.
func decision(r record.Record) v1alpha1.Decision {
	return v1alpha1.Decision{
		ObjectMeta: metav1.ObjectMeta{
			Namespace: r.Namespace, Name: objectName(r.Workload), CreationTimestamp: metav1.NewTime(r.At),
		},
		Object: r.Kind + "/" + r.Name,
		Latest: recordOf(r),
	}
}

func recordOf(r record.Record) v1alpha1.Record {
	out := v1alpha1.Record{
		At: metav1.NewMicroTime(r.At), Since: metav1.NewMicroTime(r.Since), Alike: int64(r.Alike),
		From: r.Decision.From, To: r.Decision.To, Outcome: string(r.Outcome), Freeze: r.Freeze,
	}
	if r.Observe {
		out.Mode = api.ModeObserve
	}
	switch {
	case r.Err != nil:
		out.Error = r.Err.Error()
	case r.Unread != nil:
		out.Error = r.Unread.Error()
	}
	if r.Outcome == loop.Unseen {
		return out
	}
	if last, ok := r.Decision.Last(); ok {
		out.Rule, out.Why = last.Rule.String(), last.Why()
	}
	for _, s := range r.Decision.Steps {
		out.Steps = append(out.Steps, step(s))
	}
	for _, s := range r.Policy.Signals {
		out.Signals = append(out.Signals, signal(s, r.Decision.Proposals))
	}
	if !r.Decision.Next.IsZero() {
		next := metav1.NewMicroTime(r.Decision.Next)
		out.Next = &next
	}
	return out
}

func step(s engine.Step) v1alpha1.Step {
	out := v1alpha1.Step{Rule: s.Rule.String(), Signal: s.Signal, Before: s.Before, After: s.After, Sentence: s.Why()}
	// Operands that are not used are zero at the end.
	used := len(s.Args)
	for used > 0 && s.Args[used-1] == 0 {
		used--
	}
	for _, a := range s.Args[:used] {
		out.Args = append(out.Args, strconv.FormatFloat(a, 'g', -1, 64))
	}
	return out
}

// signal joins what is wanted with what was proposed, if anything was.
func signal(s engine.Signal, proposals []engine.Proposal) v1alpha1.Signal {
	out := v1alpha1.Signal{Name: s.Name, Target: target(s.Target), Missing: s.Fault}
	i := slices.IndexFunc(proposals, func(p engine.Proposal) bool { return p.Signal == s.Name })
	if i < 0 {
		return out
	}
	p := proposals[i]
	if out.Missing = p.Missing; p.Missing != "" {
		return out
	}
	out.Replicas = &p.Replicas
	if s.Target.Kind == engine.Utilization {
		out.Utilization = &p.Utilization
	}
	if s.Kind == engine.PerPod || s.Target.Kind == engine.AverageValue {
		out.Average = milli(p.Average)
	}
	out.Total = milli(p.Total)
	return out
}

func target(t engine.Target) v1alpha1.Target {
	switch t.Kind {
	case engine.Utilization:
		percent := int32(min(t.Value, 1<<31-1)) //nolint:gosec // an API object's percentage is an int32
		return v1alpha1.Target{Type: "Utilization", Utilization: &percent}
	case engine.AverageValue:
		return v1alpha1.Target{Type: "AverageValue", Value: milli(t.Value)}
	case engine.Value:
	}
	return v1alpha1.Target{Type: "Value", Value: milli(t.Value)}
}

func milli(n int64) *quantity.Quantity { return quantity.NewMilliQuantity(n, quantity.DecimalSI) }
