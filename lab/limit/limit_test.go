package limit

import (
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

func TestQuota_holds_a_busy_loop_at_200m(t *testing.T) {
	for _, tc := range []struct {
		name string
		open func(t *testing.T) *Limiter
	}{
		{"by signals", func(*testing.T) *Limiter { return Signals(slog.New(slog.DiscardHandler)) }},
		{"as this machine allows", func(t *testing.T) *Limiter {
			l := Open("furl-limit-test", slog.New(slog.DiscardHandler))
			t.Logf("cgroup folder: %q (empty: by signals)", l.Folder())
			return l
		}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			l := tc.open(t)
			cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "while :; do :; done")
			cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			id := cmd.Process.Pid
			q, err := l.CPU("busy", 0.2, func() []int { return []int{id} })
			if err != nil {
				t.Fatal(err)
			}
			if err := q.Add(id); err != nil {
				t.Fatal(err)
			}
			hold(t, id)
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
			if err := q.Close(); err != nil {
				t.Error(err)
			}
			if err := l.Close(); err != nil {
				t.Error(err)
			}
			if f := l.Folder(); f != "" {
				if _, err := os.Stat(f); err == nil {
					t.Errorf("cgroup %s is left behind", f)
				}
			}
		})
	}
}

// hold measures until the loop uses what it may. A machine busy with other things can give it less for a while, but
// nothing may ever give it more.
func hold(t *testing.T, id int) {
	t.Helper()
	var seen []float64
	for range 5 {
		got := share(t, id, 3*time.Second)
		seen = append(seen, got)
		if got > 0.27 {
			break
		}
		if got >= 0.15 {
			t.Logf("used %.3f cores", seen)
			return
		}
	}
	t.Errorf("used %.3f cores, want 0.15 to 0.27", seen)
}

// share measures the cores a process uses, after its first period.
func share(t *testing.T, id int, d time.Duration) float64 {
	t.Helper()
	after := time.NewTimer(300 * time.Millisecond)
	<-after.C
	before, ok := cpuTime(id)
	if !ok {
		t.Fatalf("process %d has no CPU clock", id)
	}
	start := time.Now()
	after.Reset(d)
	<-after.C
	now, _ := cpuTime(id)
	return float64(now-before) / float64(time.Since(start))
}

func TestTurns_let_processes_run_when_closed(t *testing.T) {
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "while :; do :; done")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	id := cmd.Process.Pid
	q := startTurns(0.01, func() []int { return []int{id} })
	waitFor(t, "the loop to be stopped", func() bool { return state(t, id) == "T" })
	if err := q.Close(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the loop to run again", func() bool { return state(t, id) == "R" })
}

func state(t *testing.T, id int) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "stat"))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:1]
}

func waitFor(t *testing.T, what string, fact func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(10 * time.Second)
	for !fact() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 10s for %s", what)
		}
		<-tick.C
	}
}

func TestBudget_pays_back_what_was_overdrawn(t *testing.T) {
	b := budget{cores: 0.5, used: map[int]time.Duration{}}
	b.earned = b.most() // 50ms
	var total, clock time.Duration
	const step = 10 * time.Millisecond
	for range 1000 {
		if !b.stopped {
			total += 4 * step // four cores at once
		}
		clock += step
		b.look([]int{1}, step, func(int) (time.Duration, bool) { return total, true })
	}
	got := float64(total) / float64(clock)
	if got < 0.49 || got > 0.52 {
		t.Errorf("used %.3f cores over %v, want 0.5", got, clock)
	}
}

func TestCPU_refuses_no_share(t *testing.T) {
	if _, err := Signals(slog.New(slog.DiscardHandler)).CPU("x", 0, nil); err == nil {
		t.Error("0 cores were accepted")
	}
}

func TestFindGroup_writes_version_2_files(t *testing.T) {
	self, mount := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(self, "cgroup"), []byte("0::/user/app.scope\n"), 0o600))
	// A plain folder stands for the hierarchy: control files appear when they are made beforehand.
	for _, dir := range []string{"user/furl", "user/furl/probe", "user/furl/c1", "user/app.scope"} {
		must(t, os.MkdirAll(filepath.Join(mount, dir), 0o700))
	}
	for _, f := range []string{"user/furl/cgroup.subtree_control", "user/furl/probe/cpu.max", "user/furl/c1/cpu.max", "user/furl/c1/cgroup.procs"} {
		must(t, os.WriteFile(filepath.Join(mount, f), nil, 0o600))
	}
	g := &group{folder: filepath.Join(mount, "user/furl"), second: true}
	must(t, g.enable())
	c, err := g.child("c1", 0.2)
	must(t, err)
	must(t, c.Add(42))
	for file, want := range map[string]string{
		"user/furl/cgroup.subtree_control": "+cpu", "user/furl/c1/cpu.max": "20000 100000", "user/furl/c1/cgroup.procs": "42",
	} {
		got, err := os.ReadFile(filepath.Join(mount, file))
		must(t, err)
		if string(got) != want {
			t.Errorf("%s = %q, want %q", file, got, want)
		}
	}
	for i, want := range []string{"user/app.scope", "user"} {
		if got := candidates(mount, "", "/user/app.scope")[i].folder; got != filepath.Join(mount, want) {
			t.Errorf("candidate %d is %s, want %s", i, got, want)
		}
	}
}

func TestFindGroup_says_why_there_is_none(t *testing.T) {
	self, mount := t.TempDir(), t.TempDir()
	must(t, os.WriteFile(filepath.Join(self, "cgroup"), []byte("0::/\n3:memory:/\n"), 0o600))
	_, err := findGroup(self, mount, "furl")
	if err == nil {
		t.Fatal("a plain folder was taken for a cgroup")
	}
	left, _ := filepath.Glob(filepath.Join(mount, "*"))
	if len(left) > 0 {
		t.Errorf("left behind %v", left)
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
