package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/creack/pty"
)

// binary is the program under test, built once.
var binary string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		dir, err := os.MkdirTemp("", "furl-shell")
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer os.RemoveAll(dir) //nolint:errcheck // what is left is in the folder for temporary files
		binary = filepath.Join(dir, "furl-shell")
		build := exec.CommandContext(context.Background(), "go", "build", "-ldflags=-s -w", "-o", binary, ".")
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
			return 1
		}
		return m.Run()
	}())
}

func command(t *testing.T, words ...string) *exec.Cmd {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	c := exec.CommandContext(ctx, binary, words...)
	c.Env = []string{"FURL_POD_DIR=" + t.TempDir()}
	return c
}

// status gives the exit status of a program that ended.
func status(t *testing.T, err error) int {
	t.Helper()
	if err == nil {
		return 0
	}
	exit, is := errors.AsType[*exec.ExitError](err)
	if !is {
		t.Fatal(err)
	}
	return exit.ExitCode()
}

// screen collects what a program prints, and tells when a text is on it.
type screen struct {
	mu   sync.Mutex // guards what follows
	text bytes.Buffer
	more chan struct{}
}

func watch(r io.Reader) *screen {
	s := &screen{more: make(chan struct{}, 1)}
	go func() {
		buffer := make([]byte, 4096)
		for {
			n, err := r.Read(buffer)
			s.mu.Lock()
			s.text.Write(buffer[:n])
			s.mu.Unlock()
			select {
			case s.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return s
}

func (s *screen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// wait waits until a text was printed so many times.
func (s *screen) wait(t *testing.T, text string, times int) {
	t.Helper()
	late := time.After(20 * time.Second)
	for strings.Count(s.String(), text) < times {
		select {
		case <-s.more:
		case <-late:
			t.Fatalf("waited for %q %d times, the screen shows %q", text, times, s)
		}
	}
}

func TestSignals(t *testing.T) {
	tests := []struct {
		why, script string
		signal      syscall.Signal
		status      int
		out         string
	}{
		{"TERM ends a script", "echo up; sleep 100", syscall.SIGTERM, 143, "up\n"},
		{"INT ends a loop", "echo up; while sleep 0.01; do :; done; echo never", syscall.SIGINT, 130, "up\n"},
		{"a loop without commands ends too", "echo up; while [[ 1 ]]; do x=1; done", syscall.SIGTERM, 143, "up\n"},
		{"a trap of TERM runs after the command", "trap 'echo bye; exit 0' TERM; echo up; while sleep 0.05; do :; done", syscall.SIGTERM, 0, "up\nbye\n"},
		{"a trap of INT ends the command", "trap 'echo bye; exit 2' INT; echo up; sleep 100; echo never", syscall.SIGINT, 2, "up\nbye\n"},
		{"a trap ends a wait", "trap 'echo bye; exit 0' TERM; sleep 100 & echo up; wait", syscall.SIGTERM, 0, "up\nbye\n"},
		{"a trap that goes on", "trap 'echo again; kill $!' TERM; sleep 100 & echo up; wait $!; wait $!; echo $?", syscall.SIGTERM, 0, "up\nagain\n143\n"},
		{"the trap of EXIT is for exits", "trap 'echo bye' EXIT; echo up; sleep 100", syscall.SIGTERM, 143, "up\n"},
		{"a script inside ends with it", "sh -c 'echo up; sleep 100'; echo never", syscall.SIGTERM, 143, "up\n"},
	}
	for _, test := range tests {
		t.Run(strings.ReplaceAll(test.why, " ", "_"), func(t *testing.T) {
			t.Parallel()
			c := command(t, "sh", "-c", test.script)
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			seen := watch(out)
			seen.wait(t, "up", 1)
			if err := c.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			got := status(t, waited(t, c, seen, test.out))
			if got != test.status || seen.String() != test.out {
				t.Errorf("status %d, want %d; printed %q, want %q", got, test.status, seen, test.out)
			}
		})
	}
}

// waited waits for the end of what a program prints before it waits for its end, since that closes the pipe.
func waited(t *testing.T, c *exec.Cmd, s *screen, out string) error {
	t.Helper()
	if last := strings.TrimSuffix(out, "\n"); last != "" {
		s.wait(t, last[strings.LastIndexByte(last, '\n')+1:], 1)
	}
	return c.Wait()
}

func TestCtrlC_ends_the_walkthrough_s_loop(t *testing.T) {
	c := command(t, "/bin/sh", "-c", "while sleep 0.01; do wget -q -O- http://127.0.0.1:1; done")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // the program is gone
	seen := watch(terminal)
	seen.wait(t, "Connection refused", 3)
	if _, err := terminal.WriteString("\x03"); err != nil {
		t.Fatal(err)
	}
	if got := status(t, c.Wait()); got != 130 {
		t.Errorf("status %d, want 130", got)
	}
}

func TestInteractive(t *testing.T) {
	c := command(t, "sh")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // the program is gone
	seen := watch(terminal)
	mark := "# "
	if os.Getuid() != 0 {
		mark = "$ "
	}
	step := func(typed, shown string, times int) {
		t.Helper()
		if _, err := terminal.WriteString(typed); err != nil {
			t.Fatal(err)
		}
		seen.wait(t, shown, times)
	}
	step("", "/ "+mark, 1)
	step("x=5; echo $((x*x))\n", "25", 1)
	step("for i in 1 2; do\n", "> ", 1)
	step("echo n$i; done\n", "n2", 1)
	step("mkdir d; cd d\n", "/d "+mark, 1)
	step("echo go; sleep 100\n", "\ngo", 1) // what is typed shows at once, what is printed when it runs
	step("\x03", "/d "+mark, 2)             // the line ends, the shell stays
	step("echo was $?\n", "was 130", 1)
	step("", "/d "+mark, 3)
	step("while true; do echo tick; sleep 0.01; done\n", "tick", 5)
	step("\x03", "/d "+mark, 4)
	step("echo half", "echo half", 1)
	step("\x03", "/d "+mark, 5) // what was typed is dropped
	step("cat\n", "cat", 1)
	step("typed\n", "typed", 2) // cat reads the terminal too
	step("\x04", "/d "+mark, 6)
	step("if fi\n", "syntax error", 1)
	step("", "/d "+mark, 7)
	step("exit 4\n", "exit 4", 1)
	if got := status(t, c.Wait()); got != 4 {
		t.Errorf("status %d, want 4\n%s", got, seen)
	}
	if strings.Contains(seen.String(), "half: not found") {
		t.Errorf("a line that was dropped has run: %s", seen)
	}
}

func TestInteractive_ends_with_its_input(t *testing.T) {
	c := command(t, "sh")
	terminal, err := pty.Start(c)
	if err != nil {
		t.Fatal(err)
	}
	defer terminal.Close() //nolint:errcheck // the program is gone
	seen := watch(terminal)
	seen.wait(t, "/ ", 1)
	if _, err := terminal.WriteString("\x04"); err != nil {
		t.Fatal(err)
	}
	if got := status(t, c.Wait()); got != 0 {
		t.Errorf("status %d, want 0", got)
	}
}

func TestScript_from_standard_input_shares_it_with_its_commands(t *testing.T) {
	c := command(t, "sh")
	c.Stdin = strings.NewReader("echo a\nread x\nfor the variable\necho \"[$x]\"\ncat\nfor cat\nand more")
	out, err := c.Output()
	if err != nil || string(out) != "a\n[for the variable]\nfor cat\nand more" {
		t.Errorf("%q, %v", out, err)
	}
	c = command(t, "sh")
	c.Stdin = strings.NewReader("echo a; exit 3\necho never\n")
	if out, err := c.Output(); status(t, err) != 3 || string(out) != "a\n" {
		t.Errorf("%q, %v", out, err)
	}
	c = command(t, "sh")
	c.Stdin = strings.NewReader("echo the last line has no end")
	if out, err := c.Output(); err != nil || string(out) != "the last line has no end\n" {
		t.Errorf("%q, %v", out, err)
	}
}

func TestName_of_the_program_is_the_command(t *testing.T) {
	link := filepath.Join(t.TempDir(), "echo")
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), link, "by", "name").Output(); err != nil || string(out) != "by name\n" {
		t.Errorf("%q, %v", out, err)
	}
	if out, err := command(t, "/bin/echo", "by argument").Output(); err != nil || string(out) != "by argument\n" {
		t.Errorf("%q, %v", out, err)
	}
	if err := command(t, "curl").Run(); status(t, err) != 127 {
		t.Errorf("a command that is not there: %v", err)
	}
}

func TestLoop_of_the_walkthrough_costs_under_a_tenth_of_a_core(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "OK!") }))
	defer server.Close()
	const requests = 300
	// 80 requests a second, as sleep 0.01 gives them, are a tenth of a core when each costs 1.25 ms.
	const most = requests * 1250 * time.Microsecond
	c := command(t, "sh", "-c", fmt.Sprintf("i=0; while sleep 0.001; [ $i -lt %d ]; do wget -q -O- %s; i=$((i+1)); done", requests, server.URL))
	out, err := c.Output()
	if err != nil || len(out) != requests*len("OK!") {
		t.Fatalf("%d bytes, %v", len(out), err)
	}
	if used := c.ProcessState.UserTime() + c.ProcessState.SystemTime(); used > most {
		t.Errorf("%d requests took %v of CPU, want at most %v", requests, used, most)
	}
}

func TestPlace(t *testing.T) {
	root := t.TempDir()
	for _, dir := range []string{"pod/sub", "other"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	pod := filepath.Join(root, "pod")
	for _, test := range []struct{ folder, cwd, root, dir string }{
		{"", pod, pod, "/"},
		{pod, pod, pod, "/."},
		{pod, filepath.Join(pod, "sub"), pod, "/sub"},
		{pod, filepath.Join(root, "other"), pod, "/"},
	} {
		if gotRoot, gotDir := place(test.folder, test.cwd); gotRoot != test.root || gotDir != test.dir {
			t.Errorf("place(%q, %q) = %q, %q", test.folder, test.cwd, gotRoot, gotDir)
		}
	}
}

func TestProgram_is_small_and_knows_nothing_of_Kubernetes(t *testing.T) {
	at, err := os.Stat(binary)
	if err != nil {
		t.Fatal(err)
	}
	if at.Size() > 10<<20 {
		t.Errorf("the program has %d bytes, more than 10 MiB", at.Size())
	}
	out, err := exec.CommandContext(t.Context(), "go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	for dep := range strings.Lines(string(out)) {
		if strings.HasPrefix(dep, "k8s.io/") || strings.HasPrefix(dep, "sigs.k8s.io/") || strings.TrimSpace(dep) == "os/exec" && !strings.Contains(string(out), "mvdan.cc/sh") {
			t.Errorf("it imports %s", dep)
		}
	}
}
