package hpa

import (
	"sync"

	"github.com/furl-dev/furl/kube"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// targets finds the HPAs of a workload.
type targets struct {
	mu   sync.Mutex // guards both maps
	byID map[kube.Target]map[types.NamespacedName]struct{}
	ids  map[types.NamespacedName]kube.Target
}

// idOf names a target by its group, whatever the version.
func idOf(t kube.Target) kube.Target {
	if gv, err := schema.ParseGroupVersion(t.APIVersion); err == nil && gv.Version != "" {
		t.APIVersion = gv.Group
	}
	return t
}

func (t *targets) put(key types.NamespacedName, target kube.Target) {
	id := idOf(target)
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ids == nil {
		t.byID = make(map[kube.Target]map[types.NamespacedName]struct{})
		t.ids = make(map[types.NamespacedName]kube.Target)
	}
	if was, ok := t.ids[key]; ok {
		if was == id {
			return
		}
		t.remove(key, was)
	}
	t.ids[key] = id
	if t.byID[id] == nil {
		t.byID[id] = make(map[types.NamespacedName]struct{}, 1)
	}
	t.byID[id][key] = struct{}{}
}

func (t *targets) drop(key types.NamespacedName) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if was, ok := t.ids[key]; ok {
		t.remove(key, was)
	}
}

func (t *targets) remove(key types.NamespacedName, id kube.Target) {
	delete(t.ids, key)
	delete(t.byID[id], key)
	if len(t.byID[id]) == 0 {
		delete(t.byID, id)
	}
}

func (t *targets) of(id kube.Target) []types.NamespacedName {
	t.mu.Lock()
	defer t.mu.Unlock()
	out := make([]types.NamespacedName, 0, len(t.byID[id]))
	for key := range t.byID[id] {
		out = append(out, key)
	}
	return out
}
