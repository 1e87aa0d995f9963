package doctor

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// NodePool is what is read of Karpenter's: which nodes it makes, and how many.
type NodePool struct {
	metav1.ObjectMeta `json:"metadata"`
	Spec              struct {
		Limits   corev1.ResourceList `json:"limits"`
		Template struct {
			Metadata struct {
				Labels map[string]string `json:"labels"`
			} `json:"metadata"`
			Spec struct {
				Taints       []corev1.Taint `json:"taints"`
				Requirements []requirement  `json:"requirements"`
			} `json:"spec"`
		} `json:"template"`
	} `json:"spec"`
	Status struct {
		Resources  corev1.ResourceList `json:"resources"`
		Conditions []metav1.Condition  `json:"conditions"`
	} `json:"status"`
}

// NodeClaim is a node that Karpenter ordered.
type NodeClaim struct {
	metav1.ObjectMeta `json:"metadata"`
	Status            struct {
		NodeName   string             `json:"nodeName"`
		Conditions []metav1.Condition `json:"conditions"`
	} `json:"status"`
}

type requirement = corev1.NodeSelectorRequirement

// misses says why a pool makes no node for a pod's selector; empty: it may.
func (n *NodePool) misses(p *corev1.PodSpec) string {
	for _, want := range wanted(p) {
		if why := n.misfits(want); why != "" {
			return why
		}
	}
	return ""
}

// wanted is what a pod asks of a node: its selector, and the only term of its
// affinity. Of several terms one would do, which nothing is concluded from.
func wanted(p *corev1.PodSpec) []requirement {
	var out []requirement
	for key, value := range p.NodeSelector {
		out = append(out, requirement{Key: key, Operator: corev1.NodeSelectorOpIn, Values: []string{value}})
	}
	slices.SortFunc(out, func(a, b requirement) int { return strings.Compare(a.Key, b.Key) })
	if a := p.Affinity; a != nil && a.NodeAffinity != nil && a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution != nil {
		if terms := a.NodeAffinity.RequiredDuringSchedulingIgnoredDuringExecution.NodeSelectorTerms; len(terms) == 1 {
			out = append(out, terms[0].MatchExpressions...)
		}
	}
	return out
}

// misfits compares one wish with the pool's requirements and labels.
func (n *NodePool) misfits(want requirement) string {
	if want.Operator != corev1.NodeSelectorOpIn {
		return ""
	}
	asked := fmt.Sprintf("the pod asks for %s in [%s]", want.Key, strings.Join(want.Values, " "))
	known := wellKnown(want.Key)
	if label, ok := n.Spec.Template.Metadata.Labels[want.Key]; ok {
		known = true
		if !slices.Contains(want.Values, label) {
			return fmt.Sprintf("%s, its nodes have %s", asked, label)
		}
	}
	for _, has := range n.Spec.Template.Spec.Requirements {
		if has.Key != want.Key {
			continue
		}
		known = true
		if !slices.ContainsFunc(want.Values, func(v string) bool { return allows(has, v) }) {
			return fmt.Sprintf("%s, the pool has %s [%s]", asked, has.Operator, strings.Join(has.Values, " "))
		}
	}
	if !known {
		return asked + ", which the pool does not know"
	}
	return ""
}

// allows tells that a requirement of a pool leaves room for a value.
func allows(has requirement, value string) bool {
	number := func(cmp func(a, b int) bool) bool {
		a, errA := strconv.Atoi(value)
		b, errB := strconv.Atoi(strings.Join(has.Values, ""))
		return errA == nil && errB == nil && cmp(a, b)
	}
	switch has.Operator {
	case corev1.NodeSelectorOpIn:
		return slices.Contains(has.Values, value)
	case corev1.NodeSelectorOpNotIn:
		return !slices.Contains(has.Values, value)
	case corev1.NodeSelectorOpDoesNotExist:
		return false
	case corev1.NodeSelectorOpGt:
		return number(func(a, b int) bool { return a > b })
	case corev1.NodeSelectorOpLt:
		return number(func(a, b int) bool { return a < b })
	case corev1.NodeSelectorOpExists:
		return true
	default:
		return true
	}
}

// wellKnown labels come with the machine: a pool that does not speak of one allows any.
func wellKnown(key string) bool {
	domain, _, has := strings.Cut(key, "/")
	return has && slices.ContainsFunc([]string{"kubernetes.io", "k8s.io", "karpenter.sh", "k8s.aws", "amazonaws.com"}, func(d string) bool {
		return domain == d || strings.HasSuffix(domain, "."+d)
	})
}

// untolerated is the first taint that a pod does not bear.
func untolerated(p *corev1.PodSpec, taints []corev1.Taint) *corev1.Taint {
	for i := range taints {
		t := &taints[i]
		if t.Effect != corev1.TaintEffectPreferNoSchedule && !slices.ContainsFunc(p.Tolerations, func(l corev1.Toleration) bool { return tolerates(&l, t) }) {
			return t
		}
	}
	return nil
}

func tolerates(l *corev1.Toleration, t *corev1.Taint) bool {
	switch {
	case l.Effect != "" && l.Effect != t.Effect, l.Key != "" && l.Key != t.Key:
		return false
	case l.Operator == corev1.TolerationOpExists:
		return true
	default:
		return l.Key == t.Key && l.Value == t.Value
	}
}

// exceeds says which limit of the pool leaves no room for a pod; empty: none.
func (n *NodePool) exceeds(p *corev1.PodSpec) string {
	asks := asked(p)
	names := make([]string, 0, len(n.Spec.Limits))
	for name := range n.Spec.Limits {
		names = append(names, string(name))
	}
	slices.Sort(names)
	for _, name := range names {
		limit := n.Spec.Limits[corev1.ResourceName(name)]
		used := n.Status.Resources[corev1.ResourceName(name)]
		want := asks[corev1.ResourceName(name)]
		sum := used.DeepCopy()
		sum.Add(want)
		if used.Cmp(limit) >= 0 || sum.Cmp(limit) > 0 {
			return fmt.Sprintf("its limit of %s is %s, its nodes have %s, the pod asks for %s", name, limit.String(), used.String(), want.String())
		}
	}
	return ""
}

// asked is what the containers of a pod request.
func asked(p *corev1.PodSpec) corev1.ResourceList {
	out := corev1.ResourceList{}
	for i := range p.Containers {
		r := p.Containers[i].Resources
		for name, q := range r.Requests {
			out[name] = plus(out[name], q)
		}
		for name, q := range r.Limits {
			if _, ok := r.Requests[name]; !ok {
				out[name] = plus(out[name], q)
			}
		}
	}
	return out
}

func plus(a, b resource.Quantity) resource.Quantity {
	sum := a.DeepCopy()
	sum.Add(b)
	return sum
}
