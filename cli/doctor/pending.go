package doctor

import (
	"fmt"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
)

// booting is how long a pod may wait for a node before it is worth a word where
// no reason is seen: a machine of a cloud with its image takes as long.
const booting = 5 * time.Minute

// pending finds pods of scaled workloads that no node takes, and why: a quota, a
// taint, or that nobody makes such nodes.
func pending(s *Snapshot) []Finding {
	var out []Finding
	for _, w := range s.scaled() {
		for _, p := range s.podsOf(&w) {
			if why := unscheduled(p); why != "" {
				if f := s.pendingPod(&w, p, why); f != nil {
					out = append(out, *f)
				}
				break // one is told for all that are alike
			}
		}
	}
	return out
}

// unscheduled is why the scheduler found no node; empty: it did, or has not looked.
func unscheduled(p *corev1.Pod) string {
	if p.Status.Phase != corev1.PodPending || p.DeletionTimestamp != nil {
		return ""
	}
	for _, c := range p.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse && c.Reason == corev1.PodReasonUnschedulable {
			return oneLine(c.Message)
		}
	}
	return ""
}

// cause is why no node comes.
type cause struct{ word, do string }

func (s *Snapshot) pendingPod(w *workload, p *corev1.Pod, why string) *Finding {
	waits := s.now().Sub(p.CreationTimestamp.Time).Round(time.Second)
	f := &Finding{Rule: "pending", Severity: Error, Object: "pod/" + p.Name, Namespace: p.Namespace, about: s.around(w.ref)}
	f.Evidence = append(f.Evidence, "condition PodScheduled is False, Unschedulable: "+why)
	c, seen := s.whyNoNode(&p.Spec)
	f.Evidence = append(f.Evidence, seen...)
	f.Evidence = append(f.Evidence, s.claims()...)
	f.Evidence = append(f.Evidence, s.eventsOf("Pod", p.Namespace, p.Name, "FailedScheduling", "NotTriggerScaleUp")...)
	switch {
	case c.word != "":
		f.Sentence = fmt.Sprintf("it waits for %s since %s, in vain: %s (%s)", node(&p.Spec), waits, c.word, w.ref.object())
		f.Do = append(f.Do, c.do)
	case waits < booting && len(s.NodePools) > 0:
		f.Severity, f.Sentence = Note, fmt.Sprintf("it waits for %s since %s, and one may come (%s)", node(&p.Spec), waits, w.ref.object())
	default:
		f.Sentence = fmt.Sprintf("it waits for %s since %s (%s)", node(&p.Spec), waits, w.ref.object())
		f.Do = append(f.Do, "Add nodes with room for it, or ask for less.")
	}
	f.Do = append(f.Do, fmt.Sprintf("kubectl describe pod %s -n %s", p.Name, p.Namespace))
	if len(s.NodePools) > 0 {
		f.Do = append(f.Do, "kubectl get nodepools,nodeclaims -o wide")
	}
	return f
}

// node names what a pod waits for.
func node(p *corev1.PodSpec) string {
	for name := range asked(p) {
		if strings.Contains(string(name), "gpu") {
			return "a GPU node"
		}
	}
	return "a node"
}

// whyNoNode compares a pod with each pool, or with each node where there are no
// pools. The pool that comes nearest names the cause.
func (s *Snapshot) whyNoNode(p *corev1.PodSpec) (cause, []string) {
	if len(s.NodePools) == 0 {
		return s.whyNoneOfTheNodes(p)
	}
	var seen []string
	var unmatched, tainted, full int
	for i := range s.NodePools {
		n := &s.NodePools[i]
		say := func(format string, args ...any) {
			seen = append(seen, "nodepool "+n.Name+": "+fmt.Sprintf(format, args...))
		}
		switch taint := untolerated(p, n.Spec.Template.Spec.Taints); {
		case n.misses(p) != "":
			unmatched++
			say("%s", n.misses(p))
		case taint != nil:
			tainted++
			say("its nodes have the taint %s, which the pod does not tolerate", taint.ToString())
		case n.exceeds(p) != "":
			full++
			say("%s", n.exceeds(p))
		default:
			for _, c := range n.Status.Conditions {
				if c.Type == "Ready" && c.Status == "False" {
					say("condition Ready is False, %s: %s", c.Reason, oneLine(c.Message))
				}
			}
			return cause{}, seen
		}
	}
	switch {
	case full > 0:
		return cause{"the quota of the pool that would make one is used up", "Raise spec.limits of the pool, or lower the maximum of the workload: kubectl edit nodepool"}, seen
	case tainted > 0:
		return cause{"no pool makes nodes without a taint that it does not tolerate", "Add the toleration to the pods' template, such as nvidia.com/gpu Exists NoSchedule."}, seen
	default:
		return cause{"no pool matches what it asks for", "Correct nodeSelector or affinity of the pods' template, or the requirements of a pool."}, seen
	}
}

// whyNoneOfTheNodes looks for taints and selectors where nobody makes nodes.
func (s *Snapshot) whyNoneOfTheNodes(p *corev1.PodSpec) (cause, []string) {
	var seen []string
	matched, tainted := 0, 0
	for i := range s.Nodes {
		n := &s.Nodes[i]
		if !selects(p, n.Labels) {
			continue
		}
		matched++
		if t := untolerated(p, n.Spec.Taints); t != nil {
			tainted++
			if tainted <= mostEvents {
				seen = append(seen, fmt.Sprintf("node %s has the taint %s, which the pod does not tolerate", n.Name, t.ToString()))
			}
		}
	}
	switch {
	case !s.sees("nodes"):
		return cause{}, seen
	case matched == 0:
		return cause{"no node has the labels that it asks for, and no pool makes any", "Correct nodeSelector of the pods' template, label a node, or add a node pool."}, seen
	case tainted == matched:
		return cause{"each node that matches has a taint that it does not tolerate", "Add the toleration to the pods' template."}, seen
	default:
		return cause{}, seen
	}
}

func selects(p *corev1.PodSpec, labels map[string]string) bool {
	for key, value := range p.NodeSelector {
		if labels[key] != value {
			return false
		}
	}
	return true
}

// claims are nodes that were ordered and do not come.
func (s *Snapshot) claims() []string {
	var out []string
	for i := range s.NodeClaims {
		for _, c := range s.NodeClaims[i].Status.Conditions {
			if c.Status == "False" && (c.Type == "Launched" || c.Type == "Registered" || c.Type == "Initialized") && len(out) < mostEvents {
				out = append(out, fmt.Sprintf("nodeclaim %s: condition %s is False, %s: %s", s.NodeClaims[i].Name, c.Type, c.Reason, oneLine(c.Message)))
			}
		}
	}
	return out
}

// uncreated finds workloads whose pods are refused by the API server: a quota of
// the namespace, an admission rule.
func uncreated(s *Snapshot) []Finding {
	var out []Finding
	for i := range s.Deployments {
		d := &s.Deployments[i]
		ref := Ref{kindDeployment, d.Namespace, d.Name}
		if len(s.scaledBy(ref)) == 0 {
			continue
		}
		for _, c := range d.Status.Conditions {
			if c.Type != "ReplicaFailure" || c.Status != corev1.ConditionTrue {
				continue
			}
			out = append(out, Finding{
				Rule: "quota", Severity: Error, Object: ref.object(), Namespace: d.Namespace, about: s.around(ref),
				Sentence: "its pods are not even created: " + oneLine(c.Message),
				Evidence: []string{fmt.Sprintf("condition %s is %s, %s: %s", c.Type, c.Status, c.Reason, oneLine(c.Message))},
				Do: []string{
					"Raise the quota, or ask for less.", fmt.Sprintf("kubectl describe resourcequota -n %s", d.Namespace),
				},
			})
		}
	}
	return out
}
