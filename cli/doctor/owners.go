package doctor

import (
	"fmt"
	"strings"
)

// owners finds workloads whose size two objects want to write.
func owners(s *Snapshot) []Finding {
	by := make(map[Ref][]autoscaler)
	var order []Ref
	for _, a := range s.autoscalers() {
		if a.observes || a.target.Name == "" {
			continue
		}
		if len(by[a.target]) == 0 {
			order = append(order, a.target)
		}
		by[a.target] = append(by[a.target], a)
	}
	var out []Finding
	for _, target := range order {
		all := by[target]
		if len(all) < 2 {
			continue
		}
		f := Finding{
			Rule: "owners", Severity: Error, Object: target.object(), Namespace: target.Namespace, about: s.around(target),
		}
		var names []string
		for _, a := range all {
			names = append(names, a.ref.object())
			f.Evidence = append(f.Evidence, fmt.Sprintf("%s has scaleTargetRef %s", a.ref.object(), target.object()))
		}
		f.Sentence = fmt.Sprintf("%d objects want to scale one workload: %s", len(all), strings.Join(names, ", "))
		f.Do = []string{
			"Keep one and delete the others; an HPA's metrics can be triggers of a ScaledObject (cpu, memory).",
			fmt.Sprintf("kubectl delete %s -n %s", named(all[len(all)-1].ref), target.Namespace),
		}
		out = append(out, f)
	}
	return out
}

// named is an object as kubectl takes it.
func named(r Ref) string {
	if r.Kind == kindScaledObject {
		return "scaledobject/" + r.Name
	}
	return r.object()
}
