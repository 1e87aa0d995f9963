package kube

import (
	"maps"
	"slices"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/types"
)

// Pods is every pod of the cluster, sorted by the selectors somebody asked
// for. A pod event is matched once against the selectors that can match it; a
// reader never searches a namespace.
type Pods struct {
	templates Templates
	// changed is told who selects a pod that changed; nil tells nobody.
	changed func(owner types.NamespacedName)

	mu         sync.RWMutex // guards the map; each namespace has a lock of its own
	namespaces map[string]*namespace
}

// namespace is the pods and selections of one namespace.
type namespace struct {
	mu    sync.RWMutex // guards all fields
	pods  map[string]*entry
	owned map[types.NamespacedName]*Selection
	// pinned holds selections by one label they require, loose those that require none.
	pinned map[pair][]*Selection
	loose  []*Selection
	// byLabel finds pods by label, for the keys that a selection is pinned to.
	byLabel map[string]map[string]map[*entry]struct{}
}

type pair struct{ key, value string }

// NewPods returns an empty index. Changed is called, outside any lock, for
// each owner of a selection whose pods changed; nil is allowed.
func NewPods(changed func(owner types.NamespacedName)) *Pods {
	return &Pods{changed: changed, namespaces: make(map[string]*namespace)}
}

// Put adds a pod or replaces its earlier state.
func (p *Pods) Put(pod *corev1.Pod) {
	cut := CutPod(pod, &p.templates)
	n := p.namespace(pod.Namespace)
	p.tell(n.put(cut))
}

// Drop forgets a pod.
func (p *Pods) Drop(key types.NamespacedName) {
	p.tell(p.namespace(key.Namespace).drop(key.Name))
}

// Get returns one pod, or nil.
func (p *Pods) Get(key types.NamespacedName) *Pod {
	n := p.namespace(key.Namespace)
	n.mu.RLock()
	defer n.mu.RUnlock()
	if e := n.pods[key.Name]; e != nil {
		return e.pod
	}
	return nil
}

// All calls visit for every pod, a namespace at a time and without a lock held.
func (p *Pods) All(visit func(*Pod)) {
	p.mu.RLock()
	all := slices.Collect(maps.Values(p.namespaces))
	p.mu.RUnlock()
	for _, n := range all {
		for _, pod := range n.snapshot() {
			visit(pod)
		}
	}
}

// In returns the pods of one namespace, in no order.
func (p *Pods) In(name string) []*Pod { return p.namespace(name).snapshot() }

// Owners calls visit for each owner of a selection that holds the pod.
func (p *Pods) Owners(pod types.NamespacedName, visit func(owner types.NamespacedName)) {
	n := p.namespace(pod.Namespace)
	n.mu.RLock()
	e := n.pods[pod.Name]
	if e == nil || len(e.in) == 0 {
		n.mu.RUnlock()
		return
	}
	var few [4]types.NamespacedName
	owners := few[:0]
	for _, s := range e.in {
		owners = append(owners, s.owner)
	}
	n.mu.RUnlock()
	for _, o := range owners {
		visit(o)
	}
}

// Select keeps the pods that match s for owner, in place of what owner
// selected before. The owner's namespace is the pods'.
func (p *Pods) Select(owner types.NamespacedName, s labels.Selector) *Selection {
	n := p.namespace(owner.Namespace)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release(owner)
	sel := &Selection{owner: owner, selector: s, home: n, members: make(map[*entry]struct{})}
	n.owned[owner] = sel
	n.file(sel)
	for e := range n.candidates(sel) {
		if s.Matches(e.pod.Labels) {
			e.join(sel)
		}
	}
	return sel
}

// Release forgets what owner selected.
func (p *Pods) Release(owner types.NamespacedName) {
	n := p.namespace(owner.Namespace)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.release(owner)
}

func (p *Pods) namespace(name string) *namespace {
	p.mu.RLock()
	n := p.namespaces[name]
	p.mu.RUnlock()
	if n != nil {
		return n
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n = p.namespaces[name]; n == nil {
		n = &namespace{
			pods:    make(map[string]*entry),
			owned:   make(map[types.NamespacedName]*Selection),
			pinned:  make(map[pair][]*Selection),
			byLabel: make(map[string]map[string]map[*entry]struct{}),
		}
		p.namespaces[name] = n
	}
	return n
}

func (p *Pods) tell(owners []types.NamespacedName) {
	if p.changed == nil {
		return
	}
	for _, o := range owners {
		p.changed(o)
	}
}

// put returns the owners of the selections that the change touches.
func (n *namespace) put(pod *Pod) []types.NamespacedName {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.pods[pod.Name]
	if e != nil && e.pod.same(pod) {
		return nil
	}
	var before []*Selection
	switch {
	case e == nil:
		e = &entry{pod: pod}
		n.pods[pod.Name] = e
		n.enter(e)
	case labels.Equals(e.pod.Labels, pod.Labels):
		e.pod = pod
		return owners(e.in, nil)
	default:
		before = slices.Clone(e.in)
		n.leave(e)
		e.pod = pod
		n.enter(e)
	}
	return owners(e.in, before)
}

func (n *namespace) drop(name string) []types.NamespacedName {
	n.mu.Lock()
	defer n.mu.Unlock()
	e := n.pods[name]
	if e == nil {
		return nil
	}
	touched := owners(e.in, nil)
	n.leave(e)
	delete(n.pods, name)
	return touched
}

func (n *namespace) snapshot() []*Pod {
	n.mu.RLock()
	defer n.mu.RUnlock()
	out := make([]*Pod, 0, len(n.pods))
	for _, e := range n.pods {
		out = append(out, e.pod)
	}
	return out
}

// enter files a pod under its labels and joins it to what selects it.
func (n *namespace) enter(e *entry) {
	for k, v := range e.pod.Labels {
		if values, ok := n.byLabel[k]; ok {
			shelve(values, v, e)
		}
		for _, s := range n.pinned[pair{k, v}] {
			if s.selector.Matches(e.pod.Labels) {
				e.join(s)
			}
		}
	}
	for _, s := range n.loose {
		if s.selector.Matches(e.pod.Labels) {
			e.join(s)
		}
	}
}

// leave undoes enter.
func (n *namespace) leave(e *entry) {
	for k, v := range e.pod.Labels {
		if values, ok := n.byLabel[k]; ok {
			if delete(values[v], e); len(values[v]) == 0 {
				delete(values, v)
			}
		}
	}
	for len(e.in) > 0 {
		e.part(e.in[len(e.in)-1])
	}
}

// file puts a selection where the pods that it may match look for it.
func (n *namespace) file(s *Selection) {
	s.pin = pinOf(s.selector)
	if s.pin.key == "" {
		n.loose = append(n.loose, s)
		return
	}
	n.pinned[s.pin] = append(n.pinned[s.pin], s)
	if _, ok := n.byLabel[s.pin.key]; ok {
		return
	}
	values := make(map[string]map[*entry]struct{})
	n.byLabel[s.pin.key] = values
	for _, e := range n.pods {
		if v, ok := e.pod.Labels[s.pin.key]; ok {
			shelve(values, v, e)
		}
	}
}

// candidates are the pods that a selection may match.
func (n *namespace) candidates(s *Selection) map[*entry]struct{} {
	if s.pin.key != "" {
		return n.byLabel[s.pin.key][s.pin.value]
	}
	all := make(map[*entry]struct{}, len(n.pods))
	for _, e := range n.pods {
		all[e] = struct{}{}
	}
	return all
}

func (n *namespace) release(owner types.NamespacedName) {
	s := n.owned[owner]
	if s == nil {
		return
	}
	delete(n.owned, owner)
	for e := range s.members {
		e.part(s)
	}
	is := func(o *Selection) bool { return o == s }
	if s.pin.key == "" {
		n.loose = slices.DeleteFunc(n.loose, is)
		return
	}
	if rest := slices.DeleteFunc(n.pinned[s.pin], is); len(rest) > 0 {
		n.pinned[s.pin] = rest
		return
	}
	delete(n.pinned, s.pin)
}

func shelve(values map[string]map[*entry]struct{}, v string, e *entry) {
	set := values[v]
	if set == nil {
		set = make(map[*entry]struct{})
		values[v] = set
	}
	set[e] = struct{}{}
}

func owners(now, before []*Selection) []types.NamespacedName {
	out := make([]types.NamespacedName, 0, len(now))
	for _, s := range now {
		out = append(out, s.owner)
	}
	for _, s := range before {
		if !slices.Contains(now, s) {
			out = append(out, s.owner)
		}
	}
	return out
}
