package cluster_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"github.com/furl-dev/furl/lab/labtest"
)

func TestDown(t *testing.T) {
	t.Run("leaves_nothing", func(t *testing.T) {
		lab := loaded(t)
		lab.Stop()
		lab.nothingLeft(t)
	})
	t.Run("leaves_nothing_after_the_supervisor_was_killed", func(t *testing.T) {
		lab := loaded(t)
		if err := lab.Supervisor.Kill(); err != nil {
			t.Fatal(err)
		}
		<-lab.Ended()
		allGone(t, lab.processes) // without anybody's help
		if s, err := cluster.Look(t.Context(), lab.Dir, time.Now()); err != nil || s.Phase != cluster.Dead {
			t.Errorf("status is %+v, %v; want %s", s, err, cluster.Dead)
		}
		down(t, lab.Lab)
		lab.nothingLeft(t)
	})
	t.Run("leaves_nothing_when_up_is_interrupted", func(t *testing.T) {
		dir := filepath.Join(t.TempDir(), "lab")
		up := exec.CommandContext(t.Context(), filepath.Join(labtest.Programs(t), "furl-lab"), "up", "--dir", dir, "--operator=false")
		var out strings.Builder
		up.Stdout, up.Stderr = &out, &out
		if err := up.Start(); err != nil {
			t.Fatal(err)
		}
		var begun cluster.State
		labtest.Eventually(t, time.Minute, "the plane to be started", func(context.Context) error {
			raw, err := os.ReadFile(filepath.Join(dir, "lab.json"))
			if err != nil {
				return err
			}
			if err := json.Unmarshal(raw, &begun); err != nil {
				return err
			}
			if begun.Children["plane"].PID == 0 {
				return errors.New("not yet")
			}
			return nil
		})
		if err := up.Process.Signal(os.Interrupt); err != nil {
			t.Fatal(err)
		}
		const interrupted = 130 // 128 + SIGINT, as shells count
		if err := up.Wait(); up.ProcessState.ExitCode() != interrupted {
			t.Errorf("up ended with %v: %s", err, out.String())
		}
		allGone(t, []int{begun.Supervisor.PID, begun.Children["plane"].PID})
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the lab's folder is still there: %v", err)
		}
	})
	t.Run("leaves_no_empty_folder_in_the_user's_cache", func(t *testing.T) {
		cache := t.TempDir()
		t.Setenv("XDG_CACHE_HOME", cache) // where it is on Linux
		home, err := os.UserCacheDir()
		if err != nil || home != cache {
			t.Skip("the cache folder of this system cannot be moved")
		}
		one, other := filepath.Join(cache, "furl", "lab", "one"), filepath.Join(cache, "furl", "lab", "other")
		for _, dir := range []string{one, other} {
			if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "lock"), nil, 0o600)); err != nil {
				t.Fatal(err)
			}
		}
		if err := cluster.Down(t.Context(), one); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(other); err != nil {
			t.Errorf("the other lab: %v", err)
		}
		if err := cluster.Down(t.Context(), other); err != nil {
			t.Fatal(err)
		}
		if left, err := os.ReadDir(cache); err != nil || len(left) > 0 {
			t.Errorf("left in the cache: %v, %v", left, err)
		}
	})
	t.Run("says_that_nothing_is_there", func(t *testing.T) {
		out, err := exec.CommandContext(t.Context(), filepath.Join(labtest.Programs(t), "furl-lab"), "down", "--dir", filepath.Join(t.TempDir(), "none")).CombinedOutput()
		if err != nil || !strings.Contains(string(out), "No lab") {
			t.Errorf("%v: %s", err, out)
		}
	})
	t.Run("does_not_delete_a_folder_that_is_no_lab", func(t *testing.T) {
		dir := t.TempDir()
		precious := filepath.Join(dir, "precious")
		if err := os.WriteFile(precious, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"up", "down"} {
			_ = exec.CommandContext(t.Context(), filepath.Join(labtest.Programs(t), "furl-lab"), verb, "--dir", dir).Run()
		}
		if _, err := os.Stat(precious); err != nil {
			t.Errorf("a file of the user's is gone: %v", err)
		}
	})
}

// load is a lab and what it made outside its folder.
type load struct {
	*labtest.Lab
	processes []int
	cgroup    string
}

// loaded is a lab with pods that run, one of which ignores SIGTERM, and all of its processes.
func loaded(t *testing.T) load {
	t.Helper()
	lab := labtest.Start(t, labtest.Options{Nodes: 1, SimNodes: 1})
	lab.Apply(web)
	lab.Kubectl("run", "stubborn", "--image=busybox", "--", "sh", "-c", "trap '' TERM; while true; do sleep 1; done")
	ready(t, lab, "app=web", 2)
	ready(t, lab, "run=stubborn", 1)
	all := family(t, lab.Supervisor.Pid)
	const least = 1 + 1 + 3 // supervisor, plane, pods
	if runtime.GOOS == "linux" && len(all) < least {
		t.Fatalf("the lab has processes %v, want %d at least", all, least)
	}
	return load{lab, all, cgroup(t, lab)}
}

func down(t *testing.T, lab *labtest.Lab) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), filepath.Join(lab.Bin, "furl-lab"), "down", "--dir", lab.Dir).CombinedOutput(); err != nil {
		t.Fatalf("furl-lab down: %v: %s", err, out)
	}
}

func (l load) nothingLeft(t *testing.T) {
	t.Helper()
	allGone(t, l.processes)
	if _, err := os.Stat(l.Dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the lab's folder is still there: %v", err)
	}
	if l.cgroup == "" {
		return
	}
	if _, err := os.Stat(l.cgroup); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("cgroup %s is still there: %v", l.cgroup, err)
	}
}

func allGone(t *testing.T, processes []int) {
	t.Helper()
	labtest.Eventually(t, 20*time.Second, "every process of the lab to be gone", func(context.Context) error {
		for _, pid := range processes {
			if state := stateOf(pid); state != "" && state != "Z" {
				return fmt.Errorf("process %d is in state %s", pid, state)
			}
		}
		return nil
	})
}
