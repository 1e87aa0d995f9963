package doctor

import (
	"fmt"
	"slices"

	decisions "github.com/furl-dev/furl/api/decisions/v1alpha1"
)

const (
	metricsGroup  = "metrics.k8s.io"
	externalGroup = "external.metrics.k8s.io"
	customGroup   = "custom.metrics.k8s.io"
)

// api finds the entry of a group.
func (s *Snapshot) api(group string) *APIService {
	i := slices.IndexFunc(s.APIs, func(a APIService) bool { return a.Spec.Group == group })
	if i < 0 {
		return nil
	}
	return &s.APIs[i]
}

// nobody finds that no operator decides.
func nobody(s *Snapshot) []Finding {
	if !s.sees("apiservices") {
		return nil
	}
	f := Finding{Rule: "operator", Severity: Error, Object: "apiservice/v1alpha1." + decisions.GroupName, Do: []string{
		"kubectl get pods -A -l app.kubernetes.io/name=furl", "kubectl describe apiservice v1alpha1." + decisions.GroupName,
	}}
	a := s.api(decisions.GroupName)
	if a == nil {
		f.Sentence = "Furl is not installed here, or its API is not registered: nobody says what was decided"
		f.Evidence = []string{"there is no apiservice v1alpha1." + decisions.GroupName}
		return []Finding{f}
	}
	if up, why := a.available(); !up {
		f.Sentence = "no leader of Furl answers, so nothing may be decided now"
		f.Evidence = []string{"condition Available is not True: " + oneLine(why)}
		return []Finding{f}
	}
	return nil
}

// apis finds metrics APIs that are absent, silent, or somebody else's.
func apis(s *Snapshot) []Finding {
	if !s.sees("apiservices") {
		return nil
	}
	var out []Finding
	for _, group := range []string{metricsGroup, externalGroup, customGroup} {
		users := s.usersOf(group)
		if f := s.examineAPI(group, users); f != nil {
			out = append(out, *f)
		}
	}
	return out
}

// usersOf are the autoscalers that need a group.
func (s *Snapshot) usersOf(group string) []Ref {
	var out []Ref
	for _, a := range s.autoscalers() {
		if a.needs(group) {
			out = append(out, a.ref)
		}
	}
	return out
}

func (a *autoscaler) needs(group string) bool {
	if a.so != nil {
		return group == metricsGroup && slices.ContainsFunc(a.so.Spec.Triggers, isResourceTrigger)
	}
	for _, m := range a.hpa.Spec.Metrics {
		switch {
		case group == metricsGroup && (m.Resource != nil || m.ContainerResource != nil),
			group == externalGroup && m.External != nil,
			group == customGroup && (m.Pods != nil || m.Object != nil):
			return true
		}
	}
	return false
}

func (s *Snapshot) examineAPI(group string, users []Ref) *Finding {
	a := s.api(group)
	if a == nil {
		if len(users) == 0 {
			return nil
		}
		return s.absent(group, users)
	}
	f := &Finding{Rule: "metrics-api", Object: "apiservice/" + a.Name}
	server := "the API server itself"
	if sv := a.Spec.Service; sv != nil {
		server = "service " + sv.Namespace + "/" + sv.Name
	}
	up, why := a.available()
	ours := a.Spec.Service != nil && a.Spec.Service.Namespace == s.System
	switch {
	case !up:
		f.Severity, f.Sentence = Error, fmt.Sprintf("%s is led to %s, which does not answer: metrics are <unknown> to whoever asks there", group, server)
		f.Evidence = []string{"condition Available is not True: " + oneLine(why)}
		f.Do = []string{"kubectl describe apiservice " + a.Name}
		if !ours {
			f.Do = append(f.Do, instead(group, a.Name))
		}
	case group == metricsGroup && s.System != "" && !ours:
		f.Severity, f.Sentence = Note, fmt.Sprintf("%s is served by somebody else, %s; Furl measures by itself and works beside it", group, server)
		f.Evidence = []string{fmt.Sprintf("apiservice %s names %s, and Furl runs in namespace %s", a.Name, server, s.System)}
		f.Do = []string{"Nothing need be done. To have kubectl top answered by Furl, remove the other server, then: furl install"}
	default:
		return nil
	}
	return f
}

// instead is what to do about a server that is not Furl's and does not answer.
func instead(group, entry string) string {
	const mend = "It is not Furl's: mend that server"
	switch group {
	case metricsGroup:
		return fmt.Sprintf("%s, or let Furl serve the API: kubectl delete apiservice %s, then furl install", mend, entry)
	case externalGroup:
		return fmt.Sprintf("%s, or let Furl serve the API: kubectl delete apiservice %s, then furl install --external-metrics", mend, entry)
	}
	return mend + "."
}

// absent is that a group that is used is served by nobody. Furl's own cpu and
// memory do not take that way.
func (s *Snapshot) absent(group string, users []Ref) *Finding {
	f := &Finding{
		Rule: "metrics-api", Severity: Error, Object: "apiservice/" + group,
		Sentence: fmt.Sprintf("nobody serves %s, which %s needs", group, users[0].object()),
		Evidence: []string{"there is no apiservice of group " + group},
	}
	for _, u := range users[:min(len(users), mostEvents)] {
		f.Evidence = append(f.Evidence, fmt.Sprintf("%s/%s has a metric of it", u.Namespace, u.object()))
	}
	if group == metricsGroup {
		f.Do = []string{
			"Furl serves it where its manifests are applied; its own decisions do not need it, kubectl top and other controllers of HPAs do.",
			"furl install",
		}
		return f
	}
	f.about = users
	f.Do = []string{
		"Install the adapter that has this metric, or make it a trigger of a ScaledObject, which needs no adapter: furl triggers",
		fmt.Sprintf("kubectl describe %s -n %s", named(users[0]), users[0].Namespace),
	}
	return f
}
