// Package series keeps recent samples and forgets old ones.
//
// Samples arrive in groups, such as everything one node's kubelet reports, and
// are read by key, such as a pod. An [Store.Update] of a group is the truth
// about it: what it does not name is forgotten. A group that is updated keeps
// nobody waiting but the readers of that group, and those for microseconds.
package series

import (
	"hash/maphash"
	"sync"
	"sync/atomic"
	"unique"
)

// Key names what is sampled.
type Key struct{ Namespace, Name string }

func (k Key) String() string { return k.Namespace + "/" + k.Name }

// Store holds a value V for each key and a G for each group of keys. Both are
// its own: callers see them under a lock and keep no reference. It never holds
// more than its limit.
type Store[G, V any] struct {
	seed   maphash.Seed
	shards [32]shard[G, V]
	limit  int64
	count  atomic.Int64

	mu     sync.RWMutex // guards groups
	groups map[string]*group[G, V]
}

type shard[G, V any] struct {
	mu      sync.RWMutex // guards entries
	entries map[Key]*entry[G, V]
}

type group[G, V any] struct {
	mu      sync.RWMutex // guards what follows, and value and seen of the entries
	head    G
	entries []*entry[G, V]
	turn    uint32 // counts updates; an entry that was not seen this turn is gone
}

type entry[G, V any] struct {
	key   Key
	group *group[G, V]
	epoch atomic.Int64 // the newest claim, see [Group.Claim]
	seen  uint32
	value V
}

// New returns an empty store for at most limit keys.
func New[G, V any](limit int) *Store[G, V] {
	s := &Store[G, V]{seed: maphash.MakeSeed(), limit: int64(limit), groups: map[string]*group[G, V]{}}
	for i := range s.shards {
		s.shards[i].entries = map[Key]*entry[G, V]{}
	}
	return s
}

// Len returns how many keys are held.
func (s *Store[G, V]) Len() int { return int(s.count.Load()) }

// Group is a group under update. It is valid within the call only.
type Group[G, V any] struct {
	// Head is what the group holds beside its keys.
	Head *G
	// Turn counts the group's updates, from 1.
	Turn uint32
	// Refused counts keys that were not taken because the store is full.
	Refused int

	store *Store[G, V]
	group *group[G, V]
}

// Update lets fill replace the group: keys that it does not claim are forgotten.
func (s *Store[G, V]) Update(name string, fill func(*Group[G, V])) {
	g := s.group(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn++
	fill(&Group[G, V]{Head: &g.head, Turn: g.turn, store: s, group: g})
	s.sweep(g)
}

// Mark lets change alter the group's head alone; its keys stay.
func (s *Store[G, V]) Mark(name string, change func(*G)) {
	g := s.group(name)
	g.mu.Lock()
	defer g.mu.Unlock()
	change(&g.head)
}

// Claim returns a key of this group and its value, a new one if need be. When
// another group holds the key, the greater epoch has it: a pod that was
// replaced on another node began later there. The value is nil when the key is
// not this group's or the store is full.
func (t *Group[G, V]) Claim(namespace, name []byte, epoch int64) (Key, *V) {
	sh := &t.store.shards[maphash.Bytes(t.store.seed, name)%uint64(len(t.store.shards))]
	sh.mu.RLock()
	e := sh.entries[Key{string(namespace), string(name)}]
	sh.mu.RUnlock()
	if e != nil && e.group != t.group && e.epoch.Load() >= epoch {
		return Key{}, nil
	}
	if e == nil || e.group != t.group {
		if e = t.add(sh, Key{unique.Make(string(namespace)).Value(), string(name)}); e == nil {
			return Key{}, nil
		}
	}
	e.seen = t.group.turn
	e.epoch.Store(max(e.epoch.Load(), epoch))
	return e.key, &e.value
}

// add enters the key; a former holder keeps its entry, unreachable, until its
// next update sweeps it.
func (t *Group[G, V]) add(sh *shard[G, V], k Key) *entry[G, V] {
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.entries[k] == nil {
		if t.store.count.Load() >= t.store.limit {
			t.Refused++
			return nil
		}
		t.store.count.Add(1)
	}
	e := &entry[G, V]{key: k, group: t.group}
	sh.entries[k] = e
	t.group.entries = append(t.group.entries, e)
	return e
}

// View lets read see a key's value and its group's head. It reports whether
// the key is held.
func (s *Store[G, V]) View(k Key, read func(*G, *V)) bool {
	sh := s.shard(k)
	sh.mu.RLock()
	e := sh.entries[k]
	sh.mu.RUnlock()
	if e == nil {
		return false
	}
	e.group.mu.RLock()
	defer e.group.mu.RUnlock()
	read(&e.group.head, &e.value)
	return true
}

// ViewGroup lets read see a group's head. It reports whether there is such a group.
func (s *Store[G, V]) ViewGroup(name string, read func(*G)) bool {
	s.mu.RLock()
	g := s.groups[name]
	s.mu.RUnlock()
	if g == nil {
		return false
	}
	g.mu.RLock()
	defer g.mu.RUnlock()
	read(&g.head)
	return true
}

// Forget drops a group and its keys.
func (s *Store[G, V]) Forget(name string) {
	s.mu.Lock()
	g := s.groups[name]
	delete(s.groups, name)
	s.mu.Unlock()
	if g == nil {
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.turn++
	s.sweep(g)
}

func (s *Store[G, V]) group(name string) *group[G, V] {
	s.mu.RLock()
	g := s.groups[name]
	s.mu.RUnlock()
	if g != nil {
		return g
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if g = s.groups[name]; g == nil {
		g = &group[G, V]{}
		s.groups[name] = g
	}
	return g
}

// sweep drops the entries that were not seen in this turn.
func (s *Store[G, V]) sweep(g *group[G, V]) {
	kept := g.entries[:0]
	for _, e := range g.entries {
		if e.seen == g.turn {
			kept = append(kept, e)
			continue
		}
		s.drop(e)
	}
	clear(g.entries[len(kept):])
	g.entries = kept
}

// drop takes the entry out of the index, unless another group has the key by now.
func (s *Store[G, V]) drop(e *entry[G, V]) {
	sh := s.shard(e.key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.entries[e.key] == e {
		delete(sh.entries, e.key)
		s.count.Add(-1)
	}
}

func (s *Store[G, V]) shard(k Key) *shard[G, V] {
	return &s.shards[maphash.String(s.seed, k.Name)%uint64(len(s.shards))]
}
