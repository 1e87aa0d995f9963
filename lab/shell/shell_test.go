package shell

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// pod gives a shell over a fresh folder with two files and a link out of it, and what it prints.
type pod struct {
	*Shell
	out, errs bytes.Buffer
	folder    string
}

func newPod(t *testing.T) *pod {
	t.Helper()
	p := &pod{folder: filepath.Join(t.TempDir(), "pod")}
	for name, content := range map[string]string{"etc/config/level": "debug\n", "fruit": "pear 3\napple 10\nfig 7\n"} {
		at := filepath.Join(p.folder, name)
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(at, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(p.folder, "run.sh"), []byte("#!/bin/sh\necho ran $0 $1\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/etc", filepath.Join(p.folder, "out")); err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{
		Folder: p.folder, Env: []string{"HOSTNAME=web-0", "LEVEL=info", "TZ=UTC"}, Stdout: &p.out, Stderr: &p.errs,
		Now: time.Now, PID: 100,
	})
	if err != nil {
		t.Fatal(err)
	}
	p.Shell = s
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// run runs a script to its end.
func (p *pod) run(ctx context.Context, script string) int {
	return p.Main(ctx, []string{"sh", "-c", script})
}

// scene is one case of a file in testdata:
//
//	=== name of the behaviour
//	script
//	--- out
//	what it prints
//	--- err
//	what it complains of
//	--- status 1
//
// A line of output that begins with ~ is a regular expression.
type scene struct {
	name, script, out, errs string
	status                  int
}

func scenes(t *testing.T, file string) []scene {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var list []scene
	var into *string
	for line := range strings.Lines(string(text)) {
		switch {
		case strings.HasPrefix(line, "=== "):
			list = append(list, scene{name: strings.TrimSpace(line[4:])})
			into = &list[len(list)-1].script
		case line == "--- out\n":
			into = &list[len(list)-1].out
		case line == "--- err\n":
			into = &list[len(list)-1].errs
		case strings.HasPrefix(line, "--- status "):
			n, err := strconv.Atoi(strings.TrimSpace(line[11:]))
			if err != nil {
				t.Fatal(err)
			}
			list[len(list)-1].status = n
		case into == nil:
			t.Fatalf("%s: %q stands before the first ===", file, line)
		default:
			*into += line
		}
	}
	return list
}

func TestScripts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.txt")
	if err != nil || len(files) == 0 {
		t.Fatal("no scripts in testdata", err)
	}
	for _, file := range files {
		for _, s := range scenes(t, file) {
			t.Run(strings.TrimSuffix(filepath.Base(file), ".txt")+"/"+strings.ReplaceAll(s.name, " ", "_"), func(t *testing.T) {
				t.Parallel()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				p := newPod(t)
				status := p.run(ctx, s.script)
				compare(t, "out", s.out, p.out.String())
				compare(t, "err", s.errs, p.errs.String())
				if status != s.status {
					t.Errorf("status %d, want %d", status, s.status)
				}
			})
		}
	}
}

// compare holds lines against each other; a wanted line that begins with ~ is a pattern.
func compare(t *testing.T, what, want, got string) {
	t.Helper()
	wanted, lines := strings.Split(want, "\n"), strings.Split(got, "\n")
	for i, line := range wanted {
		pattern, is := strings.CutPrefix(line, "~")
		if is && i < len(lines) && regexp.MustCompile("^(?:"+pattern+")$").MatchString(lines[i]) {
			lines[i] = line
		}
	}
	// The end of the last line may be missing in the file, since it ends with one.
	if diff := cmp.Diff(wanted, lines); diff != "" && strings.TrimSuffix(want, "\n") != strings.Join(lines, "\n") {
		t.Errorf("%s: -want +got\n%s", what, diff)
	}
}

func TestMain_runs_a_command_without_a_script(t *testing.T) {
	tests := []struct {
		words  []string
		status int
		out    string
		errs   string
	}{
		{[]string{"echo", "a", "b"}, 0, "a b\n", ""},
		{[]string{"/bin/echo", "a"}, 0, "a\n", ""},
		{[]string{"busybox", "echo", "a"}, 0, "a\n", ""},
		{[]string{"cat", "/etc/config/level"}, 0, "debug\n", ""},
		{[]string{"sh", "/run.sh", "x"}, 0, "ran /run.sh x\n", ""},
		{[]string{"/run.sh", "x"}, 0, "ran /run.sh x\n", ""},
		{[]string{"curl", "x"}, 127, "", "sh: curl: not found\n"},
		{[]string{"/fruit"}, 126, "", "sh: /fruit: Permission denied\n"},
		{[]string{"/usr/local/bin/x"}, 127, "", "sh: /usr/local/bin/x: not found\n"},
	}
	for _, test := range tests {
		p := newPod(t)
		got := p.Main(t.Context(), test.words)
		if got != test.status || p.out.String() != test.out || p.errs.String() != test.errs {
			t.Errorf("%q: %d %q %q", test.words, got, p.out.String(), p.errs.String())
		}
	}
}

func TestPause_ends_well(t *testing.T) {
	p := newPod(t)
	ended := make(chan int, 1)
	go func() { ended <- p.Main(t.Context(), []string{"pause"}) }()
	for {
		p.Signal(syscall.SIGTERM) // it is lost when the command has not begun
		select {
		case status := <-ended:
			if status != 0 {
				t.Errorf("status %d, want 0", status)
			}
			return
		default:
			runtime.Gosched()
		}
	}
}

func TestEnvironment_shows_paths_as_the_pod_sees_them(t *testing.T) {
	got := environment(Options{Folder: "/var/pods/x", Env: []string{"HOME=/var/pods/x/root", "TMPDIR=/var/pods/xy", "PWD=/secret", "A=/var/pods/x"}})
	want := []string{"HOME=/root", "TMPDIR=/var/pods/xy", "A=/var/pods/x", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
}

func TestCommands_are_the_closed_list(t *testing.T) {
	want := strings.Fields(`[ ash basename busybox cat clear cp cut date dirname echo env false grep head hostname id kill ls mkdir mv nc
		nslookup pause printenv printf ps pwd rm rmdir sed seq sh sleep sort tail tar tee test time timeout touch tr true uniq uptime usleep wc
		wget which whoami xargs yes`)
	if diff := cmp.Diff(want, newPod(t).Commands()); diff != "" {
		t.Errorf("a command was added or taken away: say so here and in the package comment; -want +got\n%s", diff)
	}
}

func BenchmarkLoop_of_a_hundred_commands(b *testing.B) {
	s, err := New(Options{Folder: b.TempDir(), Stdout: &bytes.Buffer{}, Stderr: os.Stderr, Now: time.Now, PID: 100})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close() //nolint:errcheck // it was only read
	for b.Loop() {
		if status := s.Main(b.Context(), []string{"sh", "-c", "i=0; while [ $i -lt 100 ]; do i=$((i+1)); done"}); status != 0 {
			b.Fatal(status)
		}
	}
}
