package auth

import (
	"context"
	"sync"

	"github.com/furl-dev/furl/api/keda/v1alpha1"
	"github.com/furl-dev/furl/kube"
	"k8s.io/apimachinery/pkg/types"
)

// user is one trigger of a ScaledObject.
type user struct {
	owner types.NamespacedName
	index int
}

// refs is a set of objects.
type refs map[kube.Ref]struct{}

// uses knows which trigger refers to what, both ways.
type uses struct {
	objects Objects

	mu      sync.Mutex // guards what follows
	of      map[types.NamespacedName]map[int]refs
	users   map[kube.Ref]map[user]struct{}
	changed func(owner types.NamespacedName)
}

func newUses(o Objects) uses {
	return uses{objects: o, of: map[types.NamespacedName]map[int]refs{}, users: map[kube.Ref]map[user]struct{}{}}
}

func (s *uses) notify(changed func(types.NamespacedName)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changed = changed
}

// tell tells the owners of triggers that refer to an object.
func (s *uses) tell(ref kube.Ref) {
	s.mu.Lock()
	owners := map[types.NamespacedName]struct{}{}
	for u := range s.users[ref] {
		owners[u.owner] = struct{}{}
	}
	changed := s.changed
	s.mu.Unlock()
	if changed == nil {
		return
	}
	for owner := range owners {
		changed(owner)
	}
}

// trim gives up all that an owner's triggers from an index on refer to.
func (s *uses) trim(owner types.NamespacedName, from int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, held := range s.of[owner] {
		if i >= from {
			s.release(user{owner, i}, held, nil)
			delete(s.of[owner], i)
		}
	}
	if len(s.of[owner]) == 0 {
		delete(s.of, owner)
	}
}

// release gives up what a user held and does not keep.
func (s *uses) release(u user, held, keep refs) {
	for ref := range held {
		if _, kept := keep[ref]; kept {
			continue
		}
		delete(s.users[ref], u)
		if len(s.users[ref]) == 0 {
			delete(s.users, ref)
		}
		if isWatched(ref) {
			s.objects.Release(ref)
		}
	}
}

// isWatched tells objects that are watched one by one from authentications, of which all are known.
func isWatched(ref kube.Ref) bool {
	return ref.Kind != v1alpha1.KindTriggerAuthentication && ref.Kind != v1alpha1.KindClusterTriggerAuthentication
}

// begin returns a reader that notes what a trigger refers to.
func (s *uses) begin(u user, specs *Authentications) *reading {
	return &reading{uses: s, user: u, specs: specs, seen: refs{}}
}

// reading is one trigger's references being read.
type reading struct {
	uses  *uses
	user  user
	specs *Authentications
	seen  refs
}

var _ Reader = (*reading)(nil)

// Read implements [Reader].
func (r *reading) Read(ctx context.Context, ref kube.Ref) (data map[string]string, found bool, err error) {
	r.note(ref)
	return r.uses.objects.Read(ctx, ref)
}

// Authentication implements [Reader].
func (r *reading) Authentication(_ context.Context, ref kube.Ref) (*v1alpha1.TriggerAuthenticationSpec, error) {
	r.note(ref)
	return r.specs.Get(ref), nil
}

// note holds an object for the user, before it is read: a change in between is told.
func (r *reading) note(ref kube.Ref) {
	r.uses.mu.Lock()
	defer r.uses.mu.Unlock()
	if _, noted := r.seen[ref]; noted {
		return
	}
	r.seen[ref] = struct{}{}
	if _, held := r.uses.of[r.user.owner][r.user.index][ref]; held {
		return
	}
	if r.uses.users[ref] == nil {
		r.uses.users[ref] = map[user]struct{}{}
	}
	r.uses.users[ref][r.user] = struct{}{}
	if isWatched(ref) {
		r.uses.objects.Use(ref)
	}
}

// finish gives up what was held before and was not read again.
func (r *reading) finish() {
	s := r.uses
	s.mu.Lock()
	defer s.mu.Unlock()
	s.release(r.user, s.of[r.user.owner][r.user.index], r.seen)
	if len(r.seen) == 0 {
		delete(s.of[r.user.owner], r.user.index)
		return
	}
	if s.of[r.user.owner] == nil {
		s.of[r.user.owner] = map[int]refs{}
	}
	s.of[r.user.owner][r.user.index] = r.seen
}
