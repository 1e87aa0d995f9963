package kube

import (
	"sync"

	"github.com/furl-dev/furl/engine"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Workloads keeps the sizes of the kinds that nearly every autoscaler scales,
// so that deciding about one costs no request.
type Workloads struct {
	changed func(t Target)

	mu    sync.RWMutex // guards sizes
	sizes map[workload]size
}

// workload names an object by its group, not by a version of it.
type workload struct {
	kind schema.GroupKind
	key  types.NamespacedName
}

func idOf(t Target) (workload, error) {
	gv, err := schema.ParseGroupVersion(t.APIVersion)
	return workload{
		kind: schema.GroupKind{Group: gv.Group, Kind: t.Kind},
		key:  types.NamespacedName{Namespace: t.Namespace, Name: t.Name},
	}, err
}

// newer tells whether version a is known to come after b.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	return err == nil && order > 0
}

// size is what is kept of a workload.
type size struct {
	replicas engine.Replicas
	selector string
	uid      types.UID
	version  string
}

// NewWorkloads returns an empty set. Changed is called, outside any lock,
// when a size or a selector changed; its target has no API version but the
// group's. Nil is allowed.
func NewWorkloads(changed func(t Target)) *Workloads {
	return &Workloads{changed: changed, sizes: make(map[workload]size)}
}

// Size implements [Sizes].
func (w *Workloads) Size(t Target) (Scale, bool) {
	id, err := idOf(t)
	if err != nil {
		return Scale{}, false
	}
	w.mu.RLock()
	s, ok := w.sizes[id]
	w.mu.RUnlock()
	if !ok {
		return Scale{}, false
	}
	return Scale{
		Target: t, Replicas: s.replicas, Selector: s.selector,
		Resource: resourceOf(id.kind), UID: s.uid, ResourceVersion: s.version,
	}, true
}

// The kinds whose sizes are kept.
const (
	deploymentKind  = "Deployment"
	statefulSetKind = "StatefulSet"
	replicaSetKind  = "ReplicaSet"
	controllerKind  = "ReplicationController"
)

func resourceOf(k schema.GroupKind) schema.GroupResource {
	names := map[string]string{
		deploymentKind: "deployments", statefulSetKind: "statefulsets",
		replicaSetKind: "replicasets", controllerKind: "replicationcontrollers",
	}
	return schema.GroupResource{Group: k.Group, Resource: names[k.Kind]}
}

// Wrote implements [Sizes]: a size that we wrote holds until the watch tells
// of that write or of a later one.
func (w *Workloads) Wrote(s Scale) {
	id, err := idOf(s.Target)
	if err != nil {
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if was, known := w.sizes[id]; known && was.uid == s.UID && !newer(was.version, s.ResourceVersion) {
		was.replicas.Spec, was.version = s.Replicas.Spec, s.ResourceVersion
		w.sizes[id] = was
	}
}

func (w *Workloads) put(id workload, s size) {
	w.mu.Lock()
	was, known := w.sizes[id]
	if known && was.uid == s.uid && newer(was.version, s.version) {
		w.mu.Unlock()
		return // older than our own write
	}
	w.sizes[id] = s
	w.mu.Unlock()
	if !known || was.replicas != s.replicas || was.selector != s.selector {
		w.tell(id)
	}
}

func (w *Workloads) drop(id workload) {
	w.mu.Lock()
	delete(w.sizes, id)
	w.mu.Unlock()
	w.tell(id)
}

func (w *Workloads) tell(id workload) {
	if w.changed != nil {
		w.changed(Target{Namespace: id.key.Namespace, Name: id.key.Name, APIVersion: id.kind.Group, Kind: id.kind.Kind})
	}
}

// sized is a [Sink] for one kind of workload.
type sized[O Object] struct {
	to   *Workloads
	kind schema.GroupKind
	size func(O) size
}

func (s sized[O]) Put(o O) { s.to.put(workload{s.kind, keyOf(o)}, s.size(o)) }

func (s sized[O]) Drop(key types.NamespacedName) { s.to.drop(workload{s.kind, key}) }

// Deployments is where a feed of Deployments ends.
func (w *Workloads) Deployments() Sink[*appsv1.Deployment] {
	kind := schema.GroupKind{Group: appsv1.GroupName, Kind: deploymentKind}
	return sized[*appsv1.Deployment]{w, kind, func(d *appsv1.Deployment) size {
		return sizeOf(d, d.Spec.Replicas, d.Status.Replicas, selectorOf(d.Spec.Selector))
	}}
}

// StatefulSets is where a feed of StatefulSets ends.
func (w *Workloads) StatefulSets() Sink[*appsv1.StatefulSet] {
	kind := schema.GroupKind{Group: appsv1.GroupName, Kind: statefulSetKind}
	return sized[*appsv1.StatefulSet]{w, kind, func(s *appsv1.StatefulSet) size {
		return sizeOf(s, s.Spec.Replicas, s.Status.Replicas, selectorOf(s.Spec.Selector))
	}}
}

// ReplicaSets is where a feed of ReplicaSets ends.
func (w *Workloads) ReplicaSets() Sink[*appsv1.ReplicaSet] {
	kind := schema.GroupKind{Group: appsv1.GroupName, Kind: replicaSetKind}
	return sized[*appsv1.ReplicaSet]{w, kind, func(r *appsv1.ReplicaSet) size {
		return sizeOf(r, r.Spec.Replicas, r.Status.Replicas, selectorOf(r.Spec.Selector))
	}}
}

// ReplicationControllers is where a feed of ReplicationControllers ends.
func (w *Workloads) ReplicationControllers() Sink[*corev1.ReplicationController] {
	kind := schema.GroupKind{Kind: controllerKind}
	return sized[*corev1.ReplicationController]{w, kind, func(r *corev1.ReplicationController) size {
		return sizeOf(r, r.Spec.Replicas, r.Status.Replicas, labels.SelectorFromSet(r.Spec.Selector).String())
	}}
}

func sizeOf(o metav1.Object, spec *int32, status int32, selector string) size {
	wanted := int32(1) // the API's default
	if spec != nil {
		wanted = *spec
	}
	return size{
		replicas: engine.Replicas{Spec: wanted, Status: status},
		selector: selector,
		uid:      o.GetUID(),
		version:  o.GetResourceVersion(),
	}
}

// selectorOf is a selector as the /scale subresource spells it; one that does
// not parse selects as little there as here.
func selectorOf(s *metav1.LabelSelector) string {
	sel, err := metav1.LabelSelectorAsSelector(s)
	if err != nil {
		return ""
	}
	return sel.String()
}
