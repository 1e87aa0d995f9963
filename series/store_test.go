package series_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/furl-dev/furl/series"
	"pgregory.net/rapid"
)

type store = series.Store[string, int]

// put replaces the group by the names with the given epoch and value.
func put(s *store, group string, epoch int64, value int, names ...string) (refused int) {
	s.Update(group, func(g *series.Group[string, int]) {
		*g.Head = group
		for _, n := range names {
			if _, v := g.Claim([]byte("ns"), []byte(n), epoch); v != nil {
				*v = value
			}
		}
		refused = g.Refused
	})
	return refused
}

// read returns the key's group and value, or "absent".
func read(s *store, name string) string {
	got := "absent"
	s.View(series.Key{Namespace: "ns", Name: name}, func(head *string, v *int) { got = fmt.Sprint(*head, " ", *v) })
	return got
}

func expect(t *testing.T, s *store, name, want string) {
	t.Helper()
	if got := read(s, name); got != want {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
}

func TestStore_forgets_what_an_update_does_not_name(t *testing.T) {
	s := series.New[string, int](10)
	put(s, "n1", 1, 1, "a", "b")
	put(s, "n2", 1, 1, "c")
	put(s, "n1", 1, 2, "b")
	expect(t, s, "a", "absent")
	expect(t, s, "b", "n1 2")
	expect(t, s, "c", "n2 1")
	if s.Len() != 2 {
		t.Errorf("%d keys, want 2", s.Len())
	}
}

func TestStore_gives_a_key_to_the_group_where_it_began_last(t *testing.T) {
	s := series.New[string, int](10)
	put(s, "n1", 5, 1, "a")
	put(s, "n2", 4, 2, "a")
	expect(t, s, "a", "n1 1")
	put(s, "n2", 6, 3, "a")
	expect(t, s, "a", "n2 3")
	put(s, "n1", 5, 4, "a")
	expect(t, s, "a", "n2 3")
	put(s, "n1", 5, 4)
	expect(t, s, "a", "n2 3")
	if s.Len() != 1 {
		t.Errorf("%d keys, want 1", s.Len())
	}
}

func TestStore_forgets_a_group_with_its_keys(t *testing.T) {
	s := series.New[string, int](10)
	put(s, "n1", 1, 1, "a")
	s.Forget("n1")
	s.Forget("never-seen")
	expect(t, s, "a", "absent")
	if s.ViewGroup("n1", func(*string) {}) {
		t.Error("the group is still there")
	}
}

func TestStore_refuses_beyond_its_limit_and_takes_again_below(t *testing.T) {
	s := series.New[string, int](2)
	if n := put(s, "n1", 1, 1, "a", "b", "c"); n != 1 {
		t.Errorf("refused %d, want 1", n)
	}
	expect(t, s, "c", "absent")
	put(s, "n1", 1, 1, "a")
	if n := put(s, "n1", 1, 1, "a", "c"); n != 0 {
		t.Errorf("refused %d, want 0", n)
	}
	expect(t, s, "c", "n1 1")
}

func TestStore_reads_without_allocating(t *testing.T) {
	s := series.New[string, int](10)
	put(s, "n1", 1, 7, "a")
	k, sum := series.Key{Namespace: "ns", Name: "a"}, 0
	if n := testing.AllocsPerRun(100, func() { s.View(k, func(_ *string, v *int) { sum += *v }) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// The store agrees with a plain map under any order of updates, and never
// holds more than its limit.
func TestStore_agrees_with_a_map(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		const limit = 6
		s := series.New[string, int](limit)
		type held struct {
			group string
			epoch int64
			value int
		}
		model := map[string]held{}
		for turn := range rapid.IntRange(1, 20).Draw(t, "updates") {
			group := rapid.SampledFrom([]string{"n1", "n2", "n3"}).Draw(t, "group")
			names := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "g", "h"}), 0, 8, rapid.ID[string]).Draw(t, "names")
			epoch := rapid.Int64Range(0, 3).Draw(t, "epoch")
			put(s, group, epoch, turn, names...)
			for _, n := range names {
				was, ok := model[n]
				switch {
				case !ok && len(model) >= limit, ok && was.group != group && was.epoch >= epoch:
				case ok && was.group == group:
					model[n] = held{group, max(epoch, was.epoch), turn}
				default:
					model[n] = held{group, epoch, turn}
				}
			}
			for n, h := range model {
				if h.group == group && !slices.Contains(names, n) {
					delete(model, n)
				}
			}
			if s.Len() != len(model) || s.Len() > limit {
				t.Fatalf("%d keys, want %d", s.Len(), len(model))
			}
			for _, n := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
				want := "absent"
				if h, ok := model[n]; ok {
					want = fmt.Sprint(h.group, " ", h.value)
				}
				if got := read(s, n); got != want {
					t.Fatalf("%s: %s, want %s", n, got, want)
				}
			}
		}
	})
}

func TestStore_is_read_while_groups_change(t *testing.T) {
	s := series.New[string, int](100)
	var all sync.WaitGroup
	for _, group := range []string{"n1", "n2"} {
		all.Go(func() {
			for i := range 200 {
				put(s, group, int64(i), i, "a", "b", fmt.Sprint(group, i%7))
			}
		})
	}
	for range 2 {
		all.Go(func() {
			for range 2000 {
				read(s, "a")
			}
		})
	}
	all.Wait()
	if got := read(s, "a"); got != "n1 199" && got != "n2 199" {
		t.Errorf("a: %s, want the last value of either", got)
	}
}
