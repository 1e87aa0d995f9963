package kube

import (
	"slices"
	"sync"

	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Claim is an object that wants to scale a target: an HPA, or a ScaledObject.
type Claim struct {
	Kind string // as in the API: HorizontalPodAutoscaler, ScaledObject
	types.NamespacedName
}

// Targets knows who wants to scale what. Its zero value is ready to use, and
// it is safe for concurrent use.
type Targets struct {
	mu     sync.Mutex // guards both maps
	claims map[Target][]Claim
	of     map[Claim]Target
}

// groupOf names a target by its group, whatever the version.
func groupOf(t Target) Target {
	if gv, err := schema.ParseGroupVersion(t.APIVersion); err == nil && gv.Version != "" {
		t.APIVersion = gv.Group
	}
	return t
}

// Put notes what a claim is about, in place of what it was about before, and
// tells whether that is news.
func (t *Targets) Put(c Claim, target Target) bool {
	target = groupOf(target)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.of == nil {
		t.claims, t.of = make(map[Target][]Claim), make(map[Claim]Target)
	}
	if was, ok := t.of[c]; ok {
		if was == target {
			return false
		}
		t.remove(c, was)
	}
	t.of[c] = target
	t.claims[target] = append(t.claims[target], c)
	return true
}

// Drop forgets a claim and returns what it was about.
func (t *Targets) Drop(c Claim) (Target, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	was, ok := t.of[c]
	if ok {
		t.remove(c, was)
	}
	return was, ok
}

func (t *Targets) remove(c Claim, target Target) {
	delete(t.of, c)
	rest := slices.DeleteFunc(t.claims[target], func(o Claim) bool { return o == c })
	if len(rest) == 0 {
		delete(t.claims, target)
		return
	}
	t.claims[target] = rest
}

// Of returns who wants to scale a target that is named by its group alone, as
// [Workloads] tells of it.
func (t *Targets) Of(target Target) []Claim {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.claims[target])
}

// Rivals returns who else wants to scale the target of a claim.
func (t *Targets) Rivals(c Claim) []Claim {
	t.mu.Lock()
	defer t.mu.Unlock()
	target, ok := t.of[c]
	if !ok {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(t.claims[target]), func(o Claim) bool { return o == c })
}
