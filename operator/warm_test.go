package operator

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/furl-dev/furl/resource"
	"github.com/furl-dev/furl/schedule"
)

// twoNodes are there from the beginning.
type twoNodes struct{}

func (twoNodes) Nodes() []resource.Node { return []resource.Node{{Name: "a"}, {Name: "b"}} }

// warmed is how long a warmth takes whose nodes are measured after the given times.
func warmed(t *testing.T, after map[string]time.Duration) (took time.Duration) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		begun := time.Now()
		store := resource.NewStore(10 * time.Second)
		for node, d := range after {
			time.AfterFunc(d, func() {
				if err := store.Take(node, time.Now(), strings.NewReader("node_memory_working_set_bytes 1\n")); err != nil {
					t.Error(err)
				}
			})
		}
		w := newWarmth(twoNodes{}, store, schedule.Clock{})
		go w.watch(t.Context())
		if err := w.wait(t.Context()); err != nil {
			t.Error(err)
		}
		took = time.Since(begun)
		time.Sleep(time.Minute) // let the timers fire
	})
	return took
}

func TestWarmth_waits_for_the_first_samples_and_not_for_ever(t *testing.T) {
	for _, c := range []struct {
		why   string
		after map[string]time.Duration
		least time.Duration
		most  time.Duration
	}{
		{"all nodes answer", map[string]time.Duration{"a": time.Second, "b": 3 * time.Second}, 3 * time.Second, 4 * time.Second},
		{"one never does", map[string]time.Duration{"a": time.Second}, warmWithin, warmWithin + time.Second},
	} {
		if took := warmed(t, c.after); took < c.least || took > c.most {
			t.Errorf("%s: warm after %s, want %s to %s", c.why, took, c.least, c.most)
		}
	}
}

func TestWarmth_keeps_nobody_who_is_to_end(t *testing.T) {
	ctx, end := context.WithCancel(t.Context())
	end()
	w := newWarmth(twoNodes{}, resource.NewStore(time.Second), schedule.Clock{})
	if err := w.wait(ctx); err == nil {
		t.Error("it is said to be warm")
	}
}
