package cluster

import "testing"

func TestPlaces(t *testing.T) {
	t.Run("are_those_that_the_lab's_own_nodes_leave_over", func(t *testing.T) {
		p := places{first: 2, taken: map[int]bool{}}
		for want := 2; want < maxNodes; want++ {
			if got, err := p.take(); got != want || err != nil {
				t.Fatalf("took %d, %v; want %d", got, err, want)
			}
		}
		if got, err := p.take(); err == nil {
			t.Errorf("took %d where there was none", got)
		}
	})
	t.Run("are_taken_again_once_they_are_free", func(t *testing.T) {
		p := places{taken: map[int]bool{}}
		for range 2 {
			if got, err := p.take(); got != 0 || err != nil {
				t.Fatalf("took %d, %v", got, err)
			}
			p.free(0)
		}
	})
}
