package sqs

import (
	"fmt"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// TestQueue_neither_loses_nor_doubles_a_message compares a queue with the plainest model of one.
func TestQueue_neither_loses_nor_doubles_a_message(t *testing.T) {
	type fact struct {
		until    time.Time
		received int
	}
	rapid.Check(t, func(t *rapid.T) {
		at := time.Unix(1_000_000, 0)
		q := newQueue("q", defaultSettings(), at)
		model := map[string]*fact{}
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"send": func(t *rapid.T) {
				n++
				delay := time.Duration(rapid.IntRange(0, 5).Draw(t, "delay")) * time.Second
				m := &message{id: fmt.Sprint(n), size: 1, sent: at}
				q.add(m, delay, at)
				model[m.id] = &fact{until: at.Add(delay)}
			},
			"receive": func(t *rapid.T) {
				most, hide := rapid.IntRange(1, 10).Draw(t, "most"), time.Duration(rapid.IntRange(0, 5).Draw(t, "hide"))*time.Second
				free := 0
				for _, f := range model {
					if !f.until.After(at) {
						free++
					}
				}
				taken, _ := q.take(most, hide, at)
				if len(taken) != min(most, free) {
					t.Fatalf("took %d of %d visible, wanted %d", len(taken), free, most)
				}
				for _, m := range taken {
					f := model[m.id]
					if f == nil || f.until.After(at) {
						t.Fatalf("took %s, which is hidden or gone", m.id)
					}
					f.until, f.received = at.Add(hide), f.received+1
					if m.received != f.received {
						t.Fatalf("%s was received %d times, told %d", m.id, f.received, m.received)
					}
				}
			},
			"delete": func(t *rapid.T) {
				if len(model) == 0 {
					t.Skip("nothing to delete")
				}
				id := rapid.SampledFrom(ids(model)).Draw(t, "id")
				q.remove(q.messages[id])
				delete(model, id)
			},
			"time passes": func(t *rapid.T) {
				at = at.Add(time.Duration(rapid.IntRange(0, 3).Draw(t, "seconds")) * time.Second)
			},
			"": func(t *rapid.T) {
				q.settle(at)
				free := 0
				for _, f := range model {
					if !f.until.After(at) {
						free++
					}
				}
				if q.count[visible] != free || q.count[visible]+q.count[inFlight]+q.count[delayed] != len(model) || q.bytes != len(model) ||
					q.visible.Len() != q.count[visible] || q.oldest.Len() != len(model) {
					t.Fatalf("counts %v of %d, %d visible, %d bytes", q.count, len(model), free, q.bytes)
				}
			},
		})
	})
}

func ids[V any](m map[string]V) []string {
	var all []string
	for i := 1; len(all) < len(m); i++ {
		if _, ok := m[fmt.Sprint(i)]; ok {
			all = append(all, fmt.Sprint(i))
		}
	}
	return all
}

func BenchmarkServer_queue_of_50000(b *testing.B) {
	at := time.Unix(1_000_000, 0)
	q := newQueue("q", defaultSettings(), at)
	for i := range 50_000 {
		q.add(&message{id: fmt.Sprint(i), size: 1, sent: at}, 0, at)
	}
	b.ReportAllocs()
	for b.Loop() {
		taken, _ := q.take(1, 0, at)
		if len(taken) != 1 {
			b.Fatal("nothing to take")
		}
	}
}
