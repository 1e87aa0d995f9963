package doctor

import (
	"fmt"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
)

const kindScaledJob = "sj"

// jobs finds ScaledJobs that start no Jobs.
func jobs(s *Snapshot) []Finding {
	var out []Finding
	for i := range s.ScaledJobs {
		j := &s.ScaledJobs[i]
		c := j.Status.Conditions.Get(v1alpha1.ConditionReady)
		if c.Status != "False" {
			continue
		}
		ref := Ref{kindScaledJob, j.Namespace, j.Name}
		f := Finding{
			Rule: "jobs", Severity: Error, Object: ref.object(), Namespace: j.Namespace, about: []Ref{ref},
			Sentence: "it starts no Jobs: " + oneLine(c.Message),
			Evidence: []string{fmt.Sprintf("condition %s is %s, %s: %s", c.Type, c.Status, c.Reason, oneLine(c.Message))},
			Do:       []string{fmt.Sprintf("kubectl describe scaledjob %s -n %s", j.Name, j.Namespace)},
		}
		f.Evidence = append(f.Evidence, s.eventsOf(v1alpha1.KindScaledJob, j.Namespace, j.Name, "KEDAScalerFailed", "ScaledJobCheckFailed")...)
		if refused(c.Message) {
			f.Rule = "access"
			for k := range j.Spec.Triggers {
				who, do := s.identity(&autoscaler{ref: ref}, &j.Spec.Triggers[k])
				f.Evidence = append(f.Evidence, fmt.Sprintf("trigger %d (%s) asks as %s", k, j.Spec.Triggers[k].Type, who))
				f.Do = append([]string{do}, f.Do...)
			}
		}
		out = append(out, f)
	}
	return out
}
