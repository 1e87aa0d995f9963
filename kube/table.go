package kube

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// Table is a [Sink] that keeps what cut makes of each object.
type Table[O Object, T any] struct {
	cut     func(O) T
	changed func(key types.NamespacedName)

	mu   sync.RWMutex // guards rows
	rows map[types.NamespacedName]T
}

// NewTable returns an empty table. Changed is called, outside any lock, after
// each change of a row; nil is allowed.
func NewTable[O Object, T any](cut func(O) T, changed func(key types.NamespacedName)) *Table[O, T] {
	return &Table[O, T]{cut: cut, changed: changed, rows: make(map[types.NamespacedName]T)}
}

// Put implements [Sink].
func (t *Table[O, T]) Put(o O) {
	key := keyOf(o)
	row := t.cut(o)
	t.mu.Lock()
	t.rows[key] = row
	t.mu.Unlock()
	t.tell(key)
}

// Drop implements [Sink].
func (t *Table[O, T]) Drop(key types.NamespacedName) {
	t.mu.Lock()
	delete(t.rows, key)
	t.mu.Unlock()
	t.tell(key)
}

// Get returns a row and whether there is one.
func (t *Table[O, T]) Get(key types.NamespacedName) (T, bool) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	row, ok := t.rows[key]
	return row, ok
}

// Len is the number of rows.
func (t *Table[O, T]) Len() int {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return len(t.rows)
}

// Rows returns all rows, in no order.
func (t *Table[O, T]) Rows() []T {
	t.mu.RLock()
	defer t.mu.RUnlock()
	out := make([]T, 0, len(t.rows))
	for _, r := range t.rows {
		out = append(out, r)
	}
	return out
}

// Each visits all rows, in no order. See must not block, and must not change the table.
func (t *Table[O, T]) Each(see func(T)) {
	t.mu.RLock()
	defer t.mu.RUnlock()
	for _, r := range t.rows {
		see(r)
	}
}

func (t *Table[O, T]) tell(key types.NamespacedName) {
	if t.changed != nil {
		t.changed(key)
	}
}
