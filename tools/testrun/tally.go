package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"
)

// event is one line of `go test -json`; see `go doc test2json`.
type event struct {
	Action      string
	Package     string
	ImportPath  string // of build-output and build-fail
	Test        string
	Output      string
	Elapsed     float64 // seconds
	FailedBuild string
}

// count is what the last line of a run says.
type count struct{ passed, failed, skipped int }

func (c *count) add(o count) {
	c.passed += o.passed
	c.failed += o.failed
	c.skipped += o.skipped
}

func (c count) String() string {
	return fmt.Sprintf("%d passed, %d failed, %d skipped", c.passed, c.failed, c.skipped)
}

// verdict is one test and how it ended: "pass", "fail", "skip", or "" while it runs.
type verdict struct {
	name   string
	ended  string
	output strings.Builder
	parent bool // has subtests, so it is not counted itself
}

// packageRun is what is known of one package.
type packageRun struct {
	path        string
	ended       string // "pass", "fail", "skip" (no test files), "" while it runs
	failedBuild string
	elapsed     time.Duration
	cached      bool
	output      strings.Builder // what belongs to no test
	tests       []*verdict
	byName      map[string]*verdict
}

// tally turns the events of one module into counts.
type tally struct {
	mu       sync.Locker // held while an event is taken
	packages map[string]*packageRun
	builds   map[string]*strings.Builder // compiler output by import path
	loose    strings.Builder             // lines that are no events
	done     func(*packageRun)           // called when a package ends
}

func newTally(mu sync.Locker, done func(*packageRun)) *tally {
	return &tally{mu: mu, packages: map[string]*packageRun{}, builds: map[string]*strings.Builder{}, done: done}
}

// maxLine bounds one event; a test that prints a longer line fails the run.
const maxLine = 16 << 20

// read consumes events until r ends.
func (t *tally) read(r io.Reader) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		var e event
		if err := json.Unmarshal(lines.Bytes(), &e); err != nil {
			fmt.Fprintln(&t.loose, lines.Text())
			continue
		}
		t.mu.Lock()
		t.take(e)
		t.mu.Unlock()
	}
	return lines.Err()
}

func (t *tally) take(e event) {
	if strings.HasPrefix(e.Action, "build-") {
		t.build(e)
		return
	}
	p := t.pkg(e.Package)
	if e.Test == "" {
		t.takePackage(p, e)
		return
	}
	v := p.test(e.Test)
	switch e.Action {
	case "output":
		v.output.WriteString(e.Output)
	case "pass", "fail", "skip":
		v.ended = e.Action
	}
}

func (t *tally) build(e event) {
	b := t.builds[e.ImportPath]
	if b == nil {
		b = &strings.Builder{}
		t.builds[e.ImportPath] = b
	}
	b.WriteString(e.Output)
}

func (t *tally) takePackage(p *packageRun, e event) {
	switch e.Action {
	case "output":
		p.output.WriteString(e.Output)
		p.cached = p.cached || strings.Contains(e.Output, "\t(cached)")
	case "pass", "fail", "skip":
		p.ended, p.failedBuild = e.Action, e.FailedBuild
		p.elapsed = time.Duration(e.Elapsed * float64(time.Second))
		t.done(p)
	}
}

func (t *tally) pkg(path string) *packageRun {
	p := t.packages[path]
	if p == nil {
		p = &packageRun{path: path, byName: map[string]*verdict{}}
		t.packages[path] = p
	}
	return p
}

func (p *packageRun) test(name string) *verdict {
	if v := p.byName[name]; v != nil {
		return v
	}
	v := &verdict{name: name}
	p.byName[name] = v
	p.tests = append(p.tests, v)
	for i, r := range name {
		if parent := p.byName[name[:i]]; r == '/' && parent != nil {
			parent.parent = true
		}
	}
	return v
}

// count counts leaves: a test with subtests is its subtests. What failed
// without a failing leaf (a build, a panic outside a test, a parent's own
// check) counts as one failure, and so does a test that never ended.
func (p *packageRun) count() count {
	var c count
	for _, v := range p.tests {
		switch {
		case p.blames(v):
			c.failed++
		case v.parent:
		case v.ended == "skip":
			c.skipped++
		case v.ended == "pass":
			c.passed++
		}
	}
	if p.ended != "pass" && p.ended != "skip" && c.failed == 0 {
		c.failed = 1
	}
	return c
}

// blames says whether v itself failed, rather than a subtest of it.
func (p *packageRun) blames(v *verdict) bool {
	if v.ended == "pass" || v.ended == "skip" {
		return false
	}
	return !v.parent || !slices.ContainsFunc(p.tests, func(o *verdict) bool {
		return strings.HasPrefix(o.name, v.name+"/") && o.ended != "pass" && o.ended != "skip"
	})
}

// count sums the module's packages.
func (t *tally) count() count {
	var c count
	for _, p := range t.packages {
		c.add(p.count())
	}
	return c
}

// unfinished names the packages that have begun and not ended, sorted.
func (t *tally) unfinished() []string {
	var names []string
	for path, p := range t.packages {
		if p.ended == "" {
			names = append(names, path)
		}
	}
	slices.Sort(names)
	return names
}
