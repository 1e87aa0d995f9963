package avail

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/labtest"
)

// TestLeaders_change_without_a_wrong_write is the short form of `furl-lab bench kills --runs 30 --faults …`: each kind once.
func TestLeaders_change_without_a_wrong_write(t *testing.T) {
	args, audit, err := AuditArgs(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for i, arg := range args {
		args[i] = "--apiserver-arg=" + arg
	}
	for _, arg := range OperatorArgs() {
		args = append(args, "--operator-arg="+arg)
	}
	l := labtest.Start(t, labtest.Options{SimNodes: 1, Operator: true, Args: args})
	o := DefaultOptions()
	o.Dir, o.Bin, o.Audit, o.Out = l.Dir, l.Bin, audit, t.Output()
	// A lease of half the usual length halves the test: all else follows from it.
	o.OperatorArgs = []string{"--leader-elect-lease-duration=8s", "--leader-elect-renew-deadline=5s", "--leader-elect-retry-period=500ms"}
	o.Stopped, o.Cut, o.After = 12*time.Second, 12*time.Second, 2*time.Second // longer than the lease
	o.Gone, o.Fault = 7*time.Second, 3*time.Second                            // longer than a leader writes without a renewal, and shorter
	h, err := New(t.Context(), o, l.REST)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if t.Failed() {
			for _, r := range h.replicas {
				t.Logf("%s said last (%s):\n%s", r.name, filepath.Base(r.log), r.tail())
			}
		}
	})
	for _, kind := range append(Kinds(), Term) {
		t.Run(kind, func(t *testing.T) {
			r, err := h.Lose(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(&r)
			if err := r.Err(); err != nil {
				t.Error(err)
			}
			if r.Writes == 0 {
				t.Error("nothing was written: this run shows nothing")
			}
		})
	}
	for _, kind := range Faults() {
		t.Run(kind, func(t *testing.T) {
			f, err := h.Break(t.Context(), kind)
			if err != nil {
				t.Fatal(err)
			}
			t.Log(&f)
			if err := f.Err(); err != nil {
				t.Error(err)
			}
		})
	}
}
