package doctor

import (
	"fmt"

	"k8s.io/apimachinery/pkg/labels"
)

// overlapping finds workloads that count each other's pods: the selector of the
// one, by which an autoscaler finds its pods, matches the labels of the other.
func overlapping(s *Snapshot) []Finding {
	all := s.workloads()
	var out []Finding
	for i := range all {
		w := &all[i]
		mine := s.scaledBy(w.ref)
		if len(mine) == 0 {
			continue
		}
		for j := range all {
			if o := &all[j]; o.ref != w.ref && o.ref.Namespace == w.ref.Namespace && w.selector.Matches(labels.Set(o.template.Labels)) {
				out = append(out, overlap(s, mine[0], w, o))
			}
		}
	}
	return out
}

func overlap(s *Snapshot, a autoscaler, w, other *workload) Finding {
	f := Finding{
		Rule: "selectors", Severity: Error, Object: w.ref.object(), Namespace: w.ref.Namespace, about: append(s.around(w.ref), s.around(other.ref)...),
		Sentence: fmt.Sprintf("its selector matches the pods of %s too, so that %s cannot tell whose load it measures", other.ref.object(), a.ref.object()),
		Evidence: []string{
			fmt.Sprintf("%s selects %s", w.ref.object(), w.selector),
			fmt.Sprintf("pods of %s have labels %s", other.ref.object(), labels.Set(other.template.Labels)),
		},
		Do: []string{
			"Give each workload a label of its own in spec.selector and in its pods' template. A selector cannot be changed: delete the workload and apply it anew.",
			fmt.Sprintf("kubectl get pods -n %s -l '%s' --show-labels", w.ref.Namespace, w.selector),
		},
	}
	if a.hpa != nil {
		for _, c := range a.hpa.Status.Conditions {
			if c.Reason == "AmbiguousSelector" {
				f.Evidence = append(f.Evidence, fmt.Sprintf("%s: condition %s is %s, %s: %s", a.ref.object(), c.Type, c.Status, c.Reason, oneLine(c.Message)))
			}
		}
	}
	return f
}
