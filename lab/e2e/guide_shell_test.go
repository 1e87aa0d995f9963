package e2e

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/furl-dev/furl/lab/labtest"
)

// reader is somebody who has the guide before them, and types what it says of the lab, in its order.
type reader struct {
	t         *testing.T
	rows      []row // that are still to come
	env       []string
	shell     *shell
	terminals map[int]*terminal
}

// newReader opens the guide where nothing is done yet: a clone of the repository, and a cache folder of its own.
func newReader(t *testing.T) *reader {
	t.Helper()
	bin := labtest.Programs(t)
	cache := t.TempDir() // where the lab comes to be
	env := append(os.Environ(), "PATH="+bin+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+cache, "TERM=xterm")
	r := &reader{t: t, env: env, rows: readGuide(t), terminals: map[int]*terminal{}}
	r.shell = newShell(t, env)
	t.Cleanup(func() {
		end := exec.Command(filepath.Join(bin, "furl-lab"), "down") //nolint:noctx // the test's context has ended
		end.Env = env
		if out, err := end.CombinedOutput(); err != nil {
			t.Errorf("take the lab down: %v\n%s", err, out)
		}
	})
	return r
}

// meets looks at the lab that the reader has brought up.
func (r *reader) meets() *labtest.Lab {
	r.t.Helper()
	said, _, err := r.shell.says(r.t.Context(), "furl lab kubeconfig")
	if err != nil {
		r.t.Fatal(err)
	}
	at := strings.TrimSpace(said)
	r.env = append(r.env, "KUBECONFIG="+at)
	return labtest.Found(r.t, filepath.Dir(at))
}

// skips goes on with the section of this name.
func (r *reader) skips(to string) {
	r.t.Helper()
	for len(r.rows) > 0 && r.rows[0].section != to {
		r.rows = r.rows[1:]
	}
	if len(r.rows) == 0 {
		r.t.Fatalf("the guide has no section %q", to)
	}
}

// follows types the rows of the next section, which must have this name.
func (r *reader) follows(section string) {
	r.t.Helper()
	if len(r.rows) == 0 || r.rows[0].section != section {
		r.t.Fatalf("the guide goes on with %+v, not with %q", r.rows[:min(1, len(r.rows))], section)
	}
	for len(r.rows) > 0 && r.rows[0].section == section {
		if next := r.rows[0]; next.place != onEKS {
			r.does(next)
		}
		r.rows = r.rows[1:]
	}
}

// does what a row says, and holds what is printed against the page.
func (r *reader) does(step row) {
	r.t.Helper()
	what := fmt.Sprintf("%s:%d %s", guidePage, step.line, strings.Join(step.lines(), "; "))
	began := time.Now()
	var err error
	switch {
	case step.terminal == 1:
		err = r.types(step)
	case step.commands != "":
		r.terminals[step.terminal] = r.opens(step)
		err = r.awaits(step)
	default:
		err = r.awaits(step)
	}
	took := time.Since(began)
	r.t.Logf("%6.1fs  %s", took.Seconds(), what)
	if err != nil {
		r.t.Fatalf("%s: %v", what, err)
	}
	if step.within > 0 && took > step.within+lateness {
		r.t.Errorf("%s took %v, the page says %v", what, took, step.within)
	}
}

// lateness is what a busy machine may add to what the page says.
const lateness = 30 * time.Second

// types runs the commands of a row in the first terminal: once, or until they show what the page shows.
func (r *reader) types(step row) error {
	if step.within == 0 || step.prints == "" || !step.isLookedAt() {
		return r.typesOnce(r.t.Context(), step)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), step.within)
	defer cancel()
	return until(ctx, func() error { return r.typesOnce(r.t.Context(), step) })
}

func (r *reader) typesOnce(ctx context.Context, step row) error {
	printed, failed, err := r.shell.says(ctx, step.commands)
	if err != nil {
		return err
	}
	if failed != step.fails {
		return fmt.Errorf("fails: %t, the page says %t; printed was:\n%s", failed, step.fails, printed)
	}
	if step.prints == "" {
		return nil
	}
	_, err = differs(step.prints, linesOf(printed), step.loose, false)
	return err
}

// awaits looks at a terminal that goes on printing.
func (r *reader) awaits(step row) error {
	tm := r.terminals[step.terminal]
	if tm == nil {
		return fmt.Errorf("nothing runs in terminal %d", step.terminal)
	}
	if step.press {
		tm.press("\x03")
		tm.ends(30 * time.Second)
	}
	ctx, cancel := context.WithTimeout(r.t.Context(), max(step.within, time.Second))
	defer cancel()
	return until(ctx, func() error {
		all := linesOf(tm.text())
		rest, err := differs(step.prints, all[tm.shown:], step.loose, true)
		if err == nil {
			tm.shown = len(all) - len(rest) // what comes next on the page is printed after it
		}
		return err
	})
}

// until tries until it succeeds, and returns the last error when the time is over.
func until(ctx context.Context, try func() error) error {
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return err
		}
	}
}

// opens a terminal window for a command that goes on until somebody ends it.
func (r *reader) opens(step row) *terminal {
	r.t.Helper()
	cmd := exec.CommandContext(r.t.Context(), "bash", "-c", step.commands)
	cmd.Dir, cmd.Env = r.shell.dir, r.env
	tty, err := pty.Start(cmd)
	if err != nil {
		r.t.Fatalf("%s: %v", step.commands, err)
	}
	return watchTerminal(r.t, cmd, tty)
}

// shell is a terminal in which command after command is typed; folder and variables stay from one to the next.
type shell struct {
	dir   string
	in    io.WriteCloser
	lines chan string // closed when the shell has ended
}

// Between what two rows print stands a line that nothing else prints.
const endOfRow = "----furl-guide-row-has-ended:"

func newShell(t *testing.T, env []string) *shell {
	t.Helper()
	dir, err := filepath.Abs(repository)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "bash")
	cmd.Dir, cmd.Env = dir, env
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stdout, cmd.Stderr = write, write
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	_ = write.Close() // the shell has it
	s := &shell{dir: dir, in: in, lines: make(chan string)}
	done := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(s.lines)
		for out := bufio.NewScanner(read); out.Scan(); {
			select {
			case s.lines <- out.Text():
			case <-done:
				return
			}
		}
	})
	t.Cleanup(func() {
		close(done)
		_ = in.Close()
		_ = cmd.Wait() // it may have been killed
		_ = read.Close()
		reading.Wait()
	})
	return s
}

// says types commands and returns what they print on both streams, and whether one of them failed.
func (s *shell) says(ctx context.Context, commands string) (printed string, failed bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Minute)
	defer cancel()
	// What it runs must not read the commands that follow.
	if _, err := fmt.Fprintf(s.in, "failed=0; trap 'failed=1' ERR; {\n%s\n} </dev/null; echo; echo %s$failed\n", strings.TrimSpace(commands), endOfRow); err != nil {
		return "", false, err
	}
	var out bytes.Buffer
	for {
		select {
		case line, more := <-s.lines:
			if code, end := strings.CutPrefix(line, endOfRow); end {
				return out.String(), code != "0", nil
			}
			if !more {
				return out.String(), true, errors.New("the shell has ended: " + out.String())
			}
			out.WriteString(line + "\n")
		case <-ctx.Done():
			return out.String(), true, fmt.Errorf("still running after 5m0s; printed was:\n%s", out.String())
		}
	}
}

func TestShell_goes_on_from_row_to_row(t *testing.T) {
	s := newShell(t, os.Environ())
	for _, c := range []struct {
		commands, printed string
		failed            bool
	}{
		{"cd examples\nplace=here", "", false},
		{"basename $PWD; echo $place", "examples\nhere\n", false},
		{"cat <<END\nseveral\nlines\nEND", "several\nlines\n", false},
		{"false\necho on", "on\n", true},
		{"printf unfinished", "unfinished\n", false},
		{"cat", "", false},
	} {
		printed, failed, err := s.says(t.Context(), c.commands)
		if err != nil || strings.TrimSpace(printed) != strings.TrimSpace(c.printed) || failed != c.failed {
			t.Errorf("%s: printed %q, failed %t, %v; want %q, %t", c.commands, printed, failed, err, c.printed, c.failed)
		}
	}
}
