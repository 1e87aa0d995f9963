package doctor

import "github.com/furl-dev/furl/api"

// frozen finds orders that no size be written.
func frozen(s *Snapshot) []Finding {
	var out []Finding
	for i := range s.Freezes {
		f := &s.Freezes[i]
		if !f.InForce(s.At) || !f.Cluster && s.Scope.Namespace != "" && f.Namespace != s.Scope.Namespace {
			continue
		}
		resume := "furl unfreeze"
		if !f.Cluster {
			resume += " -n " + f.Namespace
		}
		out = append(out, Finding{
			Rule: "frozen", Severity: Warning, Object: "configmap/" + api.FreezeName, Namespace: f.Namespace,
			Sentence: "Furl decides and writes no size, because " + f.String(),
			Evidence: []string{"configmap " + f.Namespace + "/" + api.FreezeName + " exists"},
			Do:       []string{resume},
		})
	}
	return out
}
