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
	// Changed is called, outside any lock, with each target that somebody began
	// or ceased to want; set it before use, nil is allowed.
	Changed func(Target)

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

// Put notes what a claim is about, in place of what it was about before.
func (t *Targets) Put(c Claim, target Target) {
	target = groupOf(target)
	t.mu.Lock()
	if t.of == nil {
		t.claims, t.of = make(map[Target][]Claim), make(map[Claim]Target)
	}
	was, known := t.of[c]
	if known && was == target {
		t.mu.Unlock()
		return
	}
	if known {
		t.remove(c, was)
	}
	t.of[c] = target
	t.claims[target] = append(t.claims[target], c)
	t.mu.Unlock()
	if known {
		t.tell(was)
	}
	t.tell(target)
}

// Drop forgets a claim.
func (t *Targets) Drop(c Claim) {
	t.mu.Lock()
	was, known := t.of[c]
	if known {
		t.remove(c, was)
	}
	t.mu.Unlock()
	if known {
		t.tell(was)
	}
}

func (t *Targets) tell(target Target) {
	if t.Changed != nil {
		t.Changed(target)
	}
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
