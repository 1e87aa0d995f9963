package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"sync"
	"time"
)

// screen shows one task at a time: on a terminal a line that changes each
// second, in a log a line each ten seconds.
type screen struct {
	w     io.Writer
	live  bool
	every time.Duration
}

func newScreen(f *os.File) *screen {
	s := &screen{w: f, every: 10 * time.Second}
	if stat, err := f.Stat(); err == nil && stat.Mode()&os.ModeCharDevice != 0 {
		s.live, s.every = true, time.Second
	}
	return s
}

// task is one build on the screen.
type task struct {
	*screen
	name  string
	began time.Time
	stop  chan struct{}
	ended chan struct{}

	mu       sync.Mutex // guards what follows
	compiled int
	doing    string
}

func (s *screen) begin(name string) *task {
	t := &task{screen: s, name: name, began: time.Now(), doing: "looking what has changed", stop: make(chan struct{}), ended: make(chan struct{})}
	go t.watch()
	return t
}

func (t *task) watch() {
	defer close(t.ended)
	tick := time.NewTicker(t.every)
	defer tick.Stop()
	for {
		t.show()
		select {
		case <-t.stop:
			return
		case <-tick.C:
		}
	}
}

// width is what a narrow terminal holds in one line.
const width = 100

func (t *task) show() {
	t.mu.Lock()
	line := fmt.Sprintf("%-26s %4s  %s", t.name, t.elapsed(), t.doing)
	t.mu.Unlock()
	if !t.live {
		fmt.Fprintln(t.w, line)
		return
	}
	fmt.Fprintf(t.w, "\r\x1b[K%s", line[:min(len(line), width)])
}

func (t *task) elapsed() time.Duration { return time.Since(t.began).Round(time.Second) }

// follow reads what go build says until it ends, and returns what is neither a package nor a download.
func (t *task) follow(r io.Reader) string {
	var words strings.Builder
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		module, download := strings.CutPrefix(line, "go: downloading ")
		t.mu.Lock()
		switch {
		case download:
			t.doing = "downloading " + module
		case !strings.ContainsAny(line, " \t#"):
			t.compiled++
			t.doing = fmt.Sprintf("compiling, %d packages: %s", t.compiled, line)
			if strings.HasSuffix(t.name, "/"+path.Base(line)) { // the program itself, so the rest is done
				t.doing = "linking"
			}
		default:
			fmt.Fprintln(&words, line)
		}
		t.mu.Unlock()
	}
	return words.String()
}

func (t *task) done() {
	t.finish(fmt.Sprintf("built, %d packages compiled", t.compiled))
}

func (t *task) fail() { t.finish("did not build") }

func (t *task) finish(how string) {
	close(t.stop)
	<-t.ended
	if t.live {
		fmt.Fprint(t.w, "\r\x1b[K")
	}
	fmt.Fprintf(t.w, "%-26s %4s  %s\n", t.name, t.elapsed(), how)
}
