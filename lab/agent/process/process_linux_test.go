package process

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// asAgent makes this test binary a small agent, for the tests that kill one.
const asAgent = "FURL_TEST_AGENT_ROOT"

func TestMain(m *testing.M) {
	if root := os.Getenv(asAgent); root != "" {
		runAgent(root)
		return
	}
	os.Exit(m.Run())
}

// runAgent starts a container with a child, one that left its parent, and one that ignores everything; prints the ids.
func runAgent(root string) {
	h, err := Open(root, slog.New(slog.DiscardHandler))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	_, err = h.Start(Spec{
		Path: "/bin/sh", Argv: []string{"sh", "-c", "trap '' HUP INT TERM; echo $$; (sleep 1000 & echo $!) ; sleep 1000 & echo $!; echo up; wait"},
		Stdout: os.Stdout,
	})
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	select {}
}

func open(t *testing.T) *Host {
	t.Helper()
	h, err := Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(h.Close)
	return h
}

func waitFor(t *testing.T, what string, fact func() bool) {
	t.Helper()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	deadline := time.Now().Add(15 * time.Second)
	for !fact() {
		if time.Now().After(deadline) {
			t.Fatalf("waited 15s for %s", what)
		}
		<-tick.C
	}
}

func alive(id int) bool {
	stat, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(id), "stat"))
	return err == nil && !strings.Contains(string(stat), ") Z ")
}

type buffer struct {
	mu   sync.Mutex // guards text
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

func TestSession_delivers_output_input_and_the_exit_code(t *testing.T) {
	h := open(t)
	var out, errs buffer
	s, err := h.Start(Spec{
		Path: "/bin/sh", Argv: []string{"sh", "-c", "read x; echo got $x; echo oops >&2; exit 7"}, Stdin: true, Stdout: &out, Stderr: &errs,
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Write([]byte("it\n")); err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	if e := s.Exit(); e.Code != 7 || e.Signal != 0 {
		t.Errorf("exit %+v, want code 7", e)
	}
	if out.String() != "got it\n" || errs.String() != "oops\n" {
		t.Errorf("printed %q and %q", out.String(), errs.String())
	}
}

func TestSession_takes_its_descendants_with_it(t *testing.T) {
	h := open(t)
	var out buffer
	s, err := h.Start(Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", "(trap '' TERM; sleep 1000) & echo $!; exit 0"}, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	<-s.Done()
	id, err := strconv.Atoi(strings.TrimSpace(out.String()))
	if err != nil {
		t.Fatal(err)
	}
	if alive(id) {
		t.Errorf("process %d outlived its session", id)
	}
	if left := h.Scan(0)[s.ID]; len(left) > 0 {
		t.Errorf("left in the process table: %+v", left)
	}
}

func TestSession_tells_the_signal_that_ended_it(t *testing.T) {
	h := open(t)
	s, err := h.Start(Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", "exec sleep 1000"}})
	if err != nil {
		t.Fatal(err)
	}
	s.Kill()
	<-s.Done()
	if e := s.Exit(); e.Code != 137 || e.Signal != 9 {
		t.Errorf("exit %+v, want 137 by signal 9", e)
	}
	if err := s.Signal(syscall.SIGTERM); err != nil {
		t.Errorf("signalling an ended session: %v", err)
	}
}

func TestStart_names_a_program_that_is_not_there(t *testing.T) {
	h := open(t)
	if _, err := h.Start(Spec{Path: "/nonexistent/program", Argv: []string{"x"}}); err == nil || !strings.Contains(err.Error(), "/nonexistent/program") {
		t.Errorf("error %v", err)
	}
}

func TestCPU_counts_children_that_left_their_parent(t *testing.T) {
	h := open(t)
	var out buffer
	// The inner loop is the child of a shell that ends at once: only a subreaper ever collects it.
	script := `(sh -c 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done; echo burnt' &) ; read x`
	s, err := h.Start(Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", script}, Stdin: true, Stdout: &out})
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the loop to end", func() bool { return out.String() == "burnt\n" })
	waitFor(t, "it to be collected", func() bool { return len(h.Scan(0)[s.ID]) == 1 })
	got := s.CPU(h.Scan(0))
	t.Logf("counted %v", got)
	if got < 20*time.Millisecond {
		t.Errorf("counted %v of CPU, want what the loop burnt", got)
	}
	s.CloseStdin()
	<-s.Done()
	if after := s.CPU(nil); after < got {
		t.Errorf("counted %v after the end, less than %v before", after, got)
	}
}

// startAgent runs this binary as an agent and gives the ids of its container's processes.
func startAgent(t *testing.T, root string) (*exec.Cmd, []int) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	var out buffer
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), asAgent+"="+root)
	cmd.Stdout, cmd.Stderr = &out, os.Stderr
	cmd.WaitDelay = time.Second
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the agent's container", func() bool { return strings.Contains(out.String(), "up") })
	var ids []int
	for word := range strings.FieldsSeq(out.String()) {
		if id, err := strconv.Atoi(word); err == nil {
			ids = append(ids, id)
		}
	}
	if len(ids) != 3 {
		t.Fatalf("the container printed %q", out.String())
	}
	for _, id := range ids {
		if !alive(id) {
			t.Fatalf("process %d does not run", id)
		}
	}
	return cmd, ids
}

func TestWarden_leaves_nothing_when_the_agent_is_killed(t *testing.T) {
	cmd, ids := startAgent(t, t.TempDir())
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, id := range ids {
		waitFor(t, fmt.Sprintf("process %d to be gone", id), func() bool { return !alive(id) })
	}
}

func TestSweep_finds_what_outlived_agent_and_warden(t *testing.T) {
	root := t.TempDir()
	cmd, ids := startAgent(t, root)
	for _, w := range wardens(t, root) { // killed together with the agent, so that it can do nothing
		_ = syscall.Kill(w, syscall.SIGSTOP)
		t.Cleanup(func() { _ = syscall.Kill(w, syscall.SIGKILL) })
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	waitFor(t, "the first process to die with the agent", func() bool { return !alive(ids[0]) })
	if !alive(ids[1]) || !alive(ids[2]) {
		t.Fatal("nothing is left to sweep")
	}
	if err := Sweep(root); err != nil {
		t.Fatal(err)
	}
	for _, id := range ids[1:] {
		if alive(id) {
			t.Errorf("process %d is left", id)
		}
	}
	if files, _ := os.ReadDir(filepath.Join(root, recordsFolder)); len(files) > 0 {
		t.Errorf("records are left: %v", files)
	}
}

func wardens(t *testing.T, root string) []int {
	t.Helper()
	var ids []int
	files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
	for _, f := range files {
		line, _ := os.ReadFile(f)
		if strings.HasPrefix(string(line), "furl-warden\x00"+root) {
			id, _ := strconv.Atoi(filepath.Base(filepath.Dir(f)))
			ids = append(ids, id)
		}
	}
	if len(ids) != 1 {
		t.Fatalf("wardens of %s: %v", root, ids)
	}
	return ids
}

func TestSweep_spares_a_process_that_got_an_old_id(t *testing.T) {
	root := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "/bin/sh", "-c", "exec sleep 1000")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { _ = cmd.Process.Kill(); _ = cmd.Wait() }()
	if err := os.MkdirAll(filepath.Join(root, recordsFolder), 0o700); err != nil {
		t.Fatal(err)
	}
	id := cmd.Process.Pid
	for _, r := range []record{
		{Session: id, Start: startTicks(id) - 1, Boot: bootID()}, // the id was used again
		{Session: id, Start: startTicks(id), Boot: "another boot"},
		{Session: 1, Start: 0, Boot: bootID()},
	} {
		if err := writeRecord(root, r); err != nil {
			t.Fatal(err)
		}
		if err := Sweep(root); err != nil {
			t.Fatal(err)
		}
		if !alive(id) {
			t.Fatalf("record %+v killed a stranger", r)
		}
	}
}

func TestWarden_that_is_killed_is_replaced(t *testing.T) {
	root := t.TempDir()
	cmd, ids := startAgent(t, root)
	old := wardens(t, root)[0]
	_ = syscall.Kill(old, syscall.SIGKILL)
	waitFor(t, "the old warden to be gone", func() bool { return !alive(old) })
	waitFor(t, "a new warden", func() bool {
		files, _ := filepath.Glob("/proc/[0-9]*/cmdline")
		for _, f := range files {
			line, _ := os.ReadFile(f)
			if strings.HasPrefix(string(line), "furl-warden\x00"+root) {
				return true
			}
		}
		return false
	})
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait()
	for _, id := range ids {
		waitFor(t, fmt.Sprintf("process %d to be gone", id), func() bool { return !alive(id) })
	}
}

func TestParseStat_reads_names_with_brackets(t *testing.T) {
	line := "42 (a) b (c)) S 7 42 40 34816 42 4194304 100 0 0 0 11 22 33 44 20 0 1 0 12345 1 2 18446744073709551615 1 1"
	p, session, ok := parseStat([]byte(line))
	want := Proc{ID: 42, Parent: 7, State: 'S', CPU: 1100 * time.Millisecond, start: 12345}
	if !ok || p != want || session != 40 {
		t.Errorf("read %+v of session %d (%v), want %+v of 40", p, session, ok, want)
	}
}

func FuzzParseStat(f *testing.F) {
	f.Add("x", 42, uint32(11), []byte("junk"))
	f.Add(") S 1 (", 1, uint32(0), []byte(") ("))
	f.Fuzz(func(t *testing.T, name string, id int, ticks uint32, junk []byte) {
		_, _, _ = parseStat(junk) // whatever it is
		id &= 1<<22 - 1
		line := fmt.Sprintf("%d (%s) R 7 42 40 0 -1 0 0 0 0 0 %d 1 1 1 20 0 1 0 99 1", id, name, ticks)
		p, session, ok := parseStat([]byte(line))
		want := Proc{ID: id, Parent: 7, State: 'R', CPU: (time.Duration(ticks) + 3) * tick, start: 99}
		if !ok || p != want || session != 40 {
			t.Errorf("%q was read as %+v of session %d (%v)", line, p, session, ok)
		}
	})
}

// BenchmarkScan_200_sessions is what a scrape of a node with 200 pods costs.
func BenchmarkScan_200_sessions(b *testing.B) {
	h, err := Open(b.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	defer h.Close()
	sessions := make([]*Session, 200)
	for i := range sessions {
		if sessions[i], err = h.Start(Spec{Path: "/bin/sh", Argv: []string{"sh", "-c", "exec sleep 1000"}}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportAllocs()
	for b.Loop() {
		table := h.Scan(0)
		for _, s := range sessions {
			_ = s.CPU(table)
			for _, p := range table[s.ID] {
				Memory(p.ID)
			}
		}
	}
	b.StopTimer()
	for _, s := range sessions {
		s.Kill()
	}
	for _, s := range sessions {
		<-s.Done()
	}
}
