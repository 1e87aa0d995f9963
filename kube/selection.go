package kube

import (
	"slices"

	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/selection"
	"k8s.io/apimachinery/pkg/types"
)

// entry is a pod and the selections it belongs to.
type entry struct {
	pod *Pod
	in  []*Selection
}

// Selection is the pods that one selector matches, kept current.
type Selection struct {
	owner    types.NamespacedName
	selector labels.Selector
	home     *namespace
	pin      pair // key is empty for a loose selection
	members  map[*entry]struct{}
	shared   int // members that belong to another selection too
}

// AppendTo adds the selected pods to dst, in no order.
func (s *Selection) AppendTo(dst []*Pod) []*Pod {
	s.home.mu.RLock()
	defer s.home.mu.RUnlock()
	for e := range s.members {
		dst = append(dst, e.pod)
	}
	return dst
}

// Selector is what the pods are selected by.
func (s *Selection) Selector() labels.Selector { return s.selector }

// Rival returns another owner that selects one of the same pods.
func (s *Selection) Rival() (types.NamespacedName, bool) {
	s.home.mu.RLock()
	defer s.home.mu.RUnlock()
	if s.shared == 0 {
		return types.NamespacedName{}, false
	}
	for e := range s.members {
		for _, o := range e.in {
			if o != s {
				return o.owner, true
			}
		}
	}
	return types.NamespacedName{}, false
}

// join makes a pod a member of s and counts shared pods on both sides.
func (e *entry) join(s *Selection) {
	e.in = append(e.in, s)
	s.members[e] = struct{}{}
	switch len(e.in) {
	case 1:
	case 2:
		e.in[0].shared++
		s.shared++
	default:
		s.shared++
	}
}

func (e *entry) part(s *Selection) {
	i := slices.Index(e.in, s)
	if len(e.in) > 1 {
		s.shared--
	}
	e.in = slices.Delete(e.in, i, i+1)
	if len(e.in) == 1 {
		e.in[0].shared--
	}
	delete(s.members, e)
}

// pinOf returns one label that every match of s carries.
func pinOf(s labels.Selector) pair {
	rs, selectable := s.Requirements()
	if !selectable {
		return pair{}
	}
	for _, r := range rs {
		op, vs := r.Operator(), r.ValuesUnsorted()
		if len(vs) == 1 && (op == selection.Equals || op == selection.DoubleEquals || op == selection.In) {
			return pair{r.Key(), vs[0]}
		}
	}
	return pair{}
}
