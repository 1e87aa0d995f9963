package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	autoscalingv2 "k8s.io/api/autoscaling/v2"
	corev1 "k8s.io/api/core/v1"
)

// settling is how long an object may be without a value after it was made or
// its pods were: a rate wants two samples of each.
const settling = time.Minute

// silence is a signal without a value.
type silence struct{ signal, why string }

// silences are the signals of an autoscaler that have no value, as its latest
// decision tells them, else its conditions. Of one that is paused nothing is read.
func (s *Snapshot) silences(a *autoscaler) []silence {
	if a.so != nil && a.so.IsPaused() {
		return nil
	}
	if out := s.decidedWithout(a); len(out) > 0 {
		return out
	}
	if out := hpaSilences(a.hpa); len(out) > 0 {
		return out
	}
	if a.so == nil {
		return nil
	}
	if c := a.so.Status.Conditions.Get(v1alpha1.ConditionReady); c.Status == "False" && c.Reason == v1alpha1.ReasonScaledObjectCheckFailed {
		return []silence{{"spec", oneLine(c.Message)}}
	}
	return nil
}

// decidedWithout are the signals that the latest decision about an autoscaler had to do without.
func (s *Snapshot) decidedWithout(a *autoscaler) []silence {
	var out []silence
	for i := range s.Decisions {
		if decided(&s.Decisions[i]) != a.ref {
			continue
		}
		r := &s.Decisions[i].Latest
		for j := range r.Signals {
			if why := r.Signals[j].Missing; why != "" {
				out = append(out, silence{r.Signals[j].Name, oneLine(why)})
			}
		}
		if len(out) > 0 {
			return out
		}
	}
	return nil
}

// hpaSilences are the metrics that an HPA says it cannot get; a nil one says nothing.
func hpaSilences(hpa *autoscalingv2.HorizontalPodAutoscaler) []silence {
	if hpa == nil {
		return nil
	}
	var out []silence
	for _, c := range hpa.Status.Conditions {
		if c.Type == autoscalingv2.ScalingActive && c.Status == corev1.ConditionFalse && strings.HasPrefix(c.Reason, "FailedGet") {
			out = append(out, silence{c.Reason, oneLine(c.Message)})
		}
	}
	return out
}

// unknown finds metrics without a value, what kubectl shows as <unknown>.
func unknown(s *Snapshot) []Finding {
	var out []Finding
	for _, a := range s.autoscalers() {
		var rest []silence
		for _, x := range s.silences(&a) {
			if !refused(x.why) && !explainedByRequests(x.why) && !explainedBySelector(x.why) {
				rest = append(rest, x)
			}
		}
		if len(rest) > 0 {
			out = append(out, unknownOf(s, &a, rest))
		}
	}
	return out
}

// What other rules tell better.
func explainedByRequests(why string) bool { return strings.Contains(why, "missing request for") }

func explainedBySelector(why string) bool {
	return strings.Contains(why, "controlled by multiple HPAs") || strings.Contains(why, "controlled by more than one HPA") || strings.Contains(why, "already managed by the")
}

func unknownOf(s *Snapshot, a *autoscaler, all []silence) Finding {
	f := Finding{
		Rule: "unknown", Severity: Error, Object: a.ref.object(), Namespace: a.ref.Namespace, about: s.around(a.target),
		Sentence: fmt.Sprintf("%s has no value (<unknown>), so it holds the size and never shrinks it: %s", all[0].signal, all[0].why),
	}
	for _, x := range all {
		f.Evidence = append(f.Evidence, x.signal+": "+x.why)
	}
	f.Evidence = append(f.Evidence, inactive(a)...)
	if s.settles(a) {
		f.Severity = Note
		f.Do = append(f.Do, "It is new, or its pods are: wait a minute, a rate wants two samples of a container.")
	}
	if w := s.workload(a.target); w != nil && w.replicas > 0 && len(s.podsOf(w)) == 0 && s.sees("pods") {
		f.Evidence = append(f.Evidence, fmt.Sprintf("no pod has the labels %s", w.selector))
	}
	kind := "HorizontalPodAutoscaler"
	if a.so != nil {
		kind = v1alpha1.KindScaledObject
	}
	f.Evidence = append(f.Evidence, s.eventsOf(kind, a.ref.Namespace, a.ref.Name,
		"FailedGetResourceMetric", "FailedGetContainerResourceMetric", "FailedGetExternalMetric", "FailedGetPodsMetric", "FailedGetObjectMetric",
		"KEDAScalerFailed", "ScaledObjectCheckFailed")...)
	f.Evidence = slices.Compact(f.Evidence)
	f.Do = append(f.Do, fmt.Sprintf("furl explain %s -n %s", explained(a.ref), a.ref.Namespace))
	if a.needs(metricsGroup) {
		f.Do = append(f.Do, fmt.Sprintf("kubectl top pods -n %s", a.ref.Namespace))
	}
	return f
}

// settles tells that an autoscaler or all pods of its workload are new.
func (s *Snapshot) settles(a *autoscaler) bool {
	if s.now().Sub(a.made()) < settling {
		return true
	}
	w := s.workload(a.target)
	if w == nil {
		return false
	}
	pods := s.podsOf(w)
	return len(pods) > 0 && !slices.ContainsFunc(pods, func(p *corev1.Pod) bool { return s.now().Sub(p.CreationTimestamp.Time) >= settling })
}

// made is when the object that scales was made.
func (a *autoscaler) made() time.Time {
	if a.hpa != nil {
		return a.hpa.CreationTimestamp.Time
	}
	return a.so.CreationTimestamp.Time
}

// now is the cluster's clock where it is known: what the objects say is by it.
func (s *Snapshot) now() time.Time {
	if s.Server.IsZero() {
		return s.At
	}
	return s.Server
}
