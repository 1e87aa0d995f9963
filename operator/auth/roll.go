package auth

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/furl-dev/furl/api"
	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/schedule"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const (
	// rollSpread is the time over which all statuses are looked at after a change of leader.
	rollSpread = 2 * time.Second
	// rollGap lets a folder of objects that are applied together be one write.
	rollGap = time.Second
)

// RollWriter writes the status of an authentication by JSON merge patch; *kube.Keda is one.
type RollWriter interface {
	PatchAuthentication(ctx context.Context, ref kube.Ref, body []byte) error
}

// Roll knows which objects refer to which authentication, and writes their
// names into its status: the columns of kubectl get triggerauthentication -o
// wide. It writes while it leads, and only when somebody came or went. It is
// safe for concurrent use.
type Roll struct {
	writer RollWriter
	// part says that objects of some namespaces only are known: names that others
	// wrote into a ClusterTriggerAuthentication stay.
	part  bool
	turns *schedule.Schedule[kube.Ref]
	leads atomic.Bool

	mu      sync.Mutex // guards what follows
	refs    map[member]map[kube.Ref]bool
	members map[kube.Ref]map[member]bool // to whether its name is Furl's to add
	left    map[kube.Ref]map[member]bool // who went since the last write; their namespace does not count
	pages   map[kube.Ref]page
}

// member is an object that refers to authentications.
type member struct {
	kind string
	types.NamespacedName
}

// page is an authentication's status as stored.
type page struct {
	uid    types.UID
	status v1alpha1.TriggerAuthenticationStatus
}

// NewRoll returns a roll without members: pass its sinks to feeds. Part says
// that those tell of some namespaces only.
func NewRoll(w RollWriter, part bool) *Roll {
	r := &Roll{
		writer: w, part: part, refs: map[member]map[kube.Ref]bool{}, pages: map[kube.Ref]page{},
		members: map[kube.Ref]map[member]bool{}, left: map[kube.Ref]map[member]bool{},
	}
	r.turns = schedule.New(schedule.Config{Workers: 1, Gap: rollGap, Retry: time.Second, RetryMax: time.Minute}, r.turn)
	return r
}

// Lead writes until ctx ends.
func (r *Roll) Lead(ctx context.Context) error {
	r.leads.Store(true)
	defer r.leads.Store(false)
	r.mu.Lock()
	for ref := range r.pages {
		r.turns.WakeWithin(ref, rollSpread)
	}
	r.mu.Unlock()
	return r.turns.Run(ctx)
}

// ScaledObjects takes in ScaledObjects.
func (r *Roll) ScaledObjects() kube.Sink[*v1alpha1.ScaledObject] {
	return taking[*v1alpha1.ScaledObject]{
		put:  func(o *v1alpha1.ScaledObject) { r.enrol(v1alpha1.KindScaledObject, o, o.Spec.Triggers) },
		drop: func(key types.NamespacedName) { r.refer(member{v1alpha1.KindScaledObject, key}, nil, false) },
	}
}

// ScaledJobs takes in ScaledJobs.
func (r *Roll) ScaledJobs() kube.Sink[*v1alpha1.ScaledJob] {
	return taking[*v1alpha1.ScaledJob]{
		put:  func(j *v1alpha1.ScaledJob) { r.enrol(v1alpha1.KindScaledJob, j, j.Spec.Triggers) },
		drop: func(key types.NamespacedName) { r.refer(member{v1alpha1.KindScaledJob, key}, nil, false) },
	}
}

// Namespaced takes in TriggerAuthentications.
func (r *Roll) Namespaced() kube.Sink[*v1alpha1.TriggerAuthentication] {
	return taking[*v1alpha1.TriggerAuthentication]{
		put: func(o *v1alpha1.TriggerAuthentication) {
			r.open(refOf(v1alpha1.KindTriggerAuthentication, keyOf(o)), page{o.UID, o.Status})
		},
		drop: func(key types.NamespacedName) { r.close(refOf(v1alpha1.KindTriggerAuthentication, key)) },
	}
}

// Cluster takes in ClusterTriggerAuthentications.
func (r *Roll) Cluster() kube.Sink[*v1alpha1.ClusterTriggerAuthentication] {
	return taking[*v1alpha1.ClusterTriggerAuthentication]{
		put: func(o *v1alpha1.ClusterTriggerAuthentication) {
			r.open(refOf(v1alpha1.KindClusterTriggerAuthentication, keyOf(o)), page{o.UID, o.Status})
		},
		drop: func(key types.NamespacedName) { r.close(refOf(v1alpha1.KindClusterTriggerAuthentication, key)) },
	}
}

// taking is a sink of two functions.
type taking[O any] struct {
	put  func(O)
	drop func(types.NamespacedName)
}

// Put implements kube.Sink.
func (t taking[O]) Put(o O) { t.put(o) }

// Drop implements kube.Sink.
func (t taking[O]) Drop(key types.NamespacedName) { t.drop(key) }

func keyOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// enrol notes what an object refers to. The name of one that Furl only observes
// stays where it is, and is not added.
func (r *Roll) enrol(kind string, o metav1.Object, triggers []v1alpha1.ScaleTriggers) {
	refs := map[kube.Ref]bool{}
	for i := range triggers {
		ref := triggers[i].AuthenticationRef
		if ref == nil || ref.Name == "" {
			continue
		}
		if name, _, err := (Resolver{}).locate(o.GetNamespace(), ref); err == nil {
			refs[name] = true
		}
	}
	r.refer(member{kind, keyOf(o)}, refs, o.GetAnnotations()[api.AnnotationMode] != api.ModeObserve)
}

// refer makes the references of a member these.
func (r *Roll) refer(m member, refs map[kube.Ref]bool, served bool) { //nolint:revive // flag-parameter: it is kept as it is
	r.mu.Lock()
	defer r.mu.Unlock()
	for ref := range r.refs[m] {
		if refs[ref] {
			continue
		}
		r.leave(ref, m)
		r.wake(ref)
	}
	if r.refs[m] = refs; len(refs) == 0 {
		delete(r.refs, m)
	}
	for ref := range refs {
		if was, there := r.members[ref][m]; there && was == served {
			continue
		}
		if r.members[ref] == nil {
			r.members[ref] = map[member]bool{}
		}
		r.members[ref][m] = served
		r.wake(ref)
	}
}

// leave takes a member off an authentication. The lock is held.
func (r *Roll) leave(ref kube.Ref, m member) {
	if delete(r.members[ref], m); len(r.members[ref]) == 0 {
		delete(r.members, ref)
	}
	if _, there := r.pages[ref]; !there || !r.part || ref.Namespace != "" {
		return
	}
	if m.Namespace = ""; r.left[ref] == nil {
		r.left[ref] = map[member]bool{}
	}
	r.left[ref][m] = true
}

// open notes the status of an authentication as it is stored.
func (r *Roll) open(ref kube.Ref, p page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	was, there := r.pages[ref]
	r.pages[ref] = p
	if !there || was != p {
		r.wake(ref)
	}
}

func (r *Roll) close(ref kube.Ref) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.pages, ref)
	delete(r.left, ref)
	r.turns.Drop(ref)
}

// wake gives an authentication that exists its turn. The lock is held.
func (r *Roll) wake(ref kube.Ref) {
	if _, there := r.pages[ref]; there && r.leads.Load() {
		r.turns.Wake(ref)
	}
}

// turn writes one status, if it is not what it should be.
func (r *Roll) turn(ctx context.Context, ref kube.Ref, _ schedule.Turn) (time.Time, error) {
	is, want, there := r.compare(ref)
	if !there || is.status == want {
		return time.Time{}, nil
	}
	body, err := json.Marshal(map[string]any{
		"metadata": map[string]any{"uid": is.uid},
		"status":   map[string]any{"scaledobjects": orNull(want.ScaledObjectNamesStr), "scaledjobs": orNull(want.ScaledJobNamesStr)},
	})
	if err != nil {
		return time.Time{}, err
	}
	err = r.writer.PatchAuthentication(ctx, ref, body)
	switch {
	case apierrors.IsNotFound(err):
		return time.Time{}, nil // the watch will tell
	case err != nil:
		return time.Time{}, fmt.Errorf("status of %s: %w", ref, err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.left, ref) // whoever writes such a name again has an object of that name
	if r.pages[ref] == is {
		r.pages[ref] = page{is.uid, want}
	}
	return time.Time{}, nil
}

// compare returns the stored status of an authentication and the one it should have.
func (r *Roll) compare(ref kube.Ref) (is page, want v1alpha1.TriggerAuthenticationStatus, there bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	is, there = r.pages[ref]
	want.ScaledObjectNamesStr = names(is.status.ScaledObjectNamesStr, r.named(ref, v1alpha1.KindScaledObject, is.status.ScaledObjectNamesStr))
	want.ScaledJobNamesStr = names(is.status.ScaledJobNamesStr, r.named(ref, v1alpha1.KindScaledJob, is.status.ScaledJobNamesStr))
	return is, want, there
}

// named are the names that belong on a list, to whether Furl is to add them.
// The lock is held.
func (r *Roll) named(ref kube.Ref, kind, listed string) map[string]bool {
	out := map[string]bool{}
	for m, served := range r.members[ref] {
		if m.kind == kind {
			out[m.Name] = out[m.Name] || served
		}
	}
	if !r.part || ref.Namespace != "" {
		return out
	}
	for name := range strings.SplitSeq(listed, ",") {
		if _, known := out[name]; !known && !r.left[ref][member{kind, types.NamespacedName{Name: name}}] {
			out[name] = false // somebody's whom we do not see
		}
	}
	return out
}

// names is the list of those who refer: first, in its order, who was on the
// list and still does, then those who came, by name. KEDA writes them so, each
// once, whatever its namespace.
func names(listed string, members map[string]bool) string {
	var all []string
	if listed != "" {
		all = strings.Split(listed, ",")
	}
	on := make(map[string]bool, len(all))
	all = slices.DeleteFunc(all, func(name string) bool {
		_, refers := members[name]
		gone := !refers || on[name]
		on[name] = true
		return gone
	})
	stayed := len(all)
	for name, served := range members {
		if served && !on[name] {
			all = append(all, name)
		}
	}
	slices.Sort(all[stayed:])
	return strings.Join(all, ",")
}

// orNull is how a merge patch takes a field away.
func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}
