package clients

import (
	"errors"
	"testing"
)

func TestPool_makes_one_value_for_all_users_of_a_key(t *testing.T) {
	made, done := 0, 0
	pool := Pool[string, *int]{Done: func(*int) { done++ }}
	one := func() (*int, error) { made++; return new(int), nil }
	a, releaseA, err := pool.Use("k", one)
	if err != nil {
		t.Fatal(err)
	}
	b, releaseB, err := pool.Use("k", one)
	if err != nil {
		t.Fatal(err)
	}
	if a != b || made != 1 {
		t.Errorf("two users got two values, %d made", made)
	}
	releaseA()
	releaseA() // the second call is nobody's
	if pool.Len() != 1 || done != 0 {
		t.Error("the value is gone though somebody uses it")
	}
	releaseB()
	if pool.Len() != 0 || done != 1 {
		t.Errorf("after its last user the value is there %d times and ended %d times, want 0 and 1", pool.Len(), done)
	}
	if c, _, err := pool.Use("k", one); err != nil || c == a || made != 2 {
		t.Errorf("after the last user: %v, %d made, want a new value", err, made)
	}
}

func TestPool_keeps_nothing_that_could_not_be_made(t *testing.T) {
	var pool Pool[string, int]
	broken := errors.New("broken")
	if _, release, err := pool.Use("k", func() (int, error) { return 0, broken }); !errors.Is(err, broken) || release != nil {
		t.Errorf("Use = %v, want the maker's error and no release", err)
	}
	if pool.Len() != 0 {
		t.Error("a value that was not made is kept")
	}
}
