package main

import (
	"fmt"
	"io"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
)

// slow is from where on a package is named at the end.
const slow = 20 * time.Second

// report writes what people read, for all modules.
type report struct {
	mu    sync.Mutex // guards all of it
	w     io.Writer
	began time.Time
	total count
	slow  []slowPackage
	skips []string
	flaky []string // failed, then passed alone
	fails []string // package, test and the end of what it printed
}

type slowPackage struct {
	name string
	took time.Duration
}

// moduleReport is the part of one module.
type moduleReport struct {
	*report
	tally *tally
}

func (r *report) module(dir string) *moduleReport {
	m := &moduleReport{report: r}
	m.tally = newTally(&r.mu, m.packageEnded)
	r.note("module %s", dir)
	return m
}

func (r *report) note(format string, args ...any) {
	fmt.Fprintf(r.w, "%6s  %s\n", time.Since(r.began).Round(time.Second), fmt.Sprintf(format, args...))
}

// broken notes a module that could not be tested.
func (r *report) broken(dir string, err error) {
	r.total.failed++
	r.note("FAIL %s: %v", dir, err)
}

func (m *moduleReport) read(out io.Reader) error { return m.tally.read(out) }

func (m *moduleReport) count() count { return m.tally.count() }

func (m *moduleReport) loose() string { return m.tally.loose.String() }

// end adds the module to the total.
func (m *moduleReport) end() {
	for _, name := range m.tally.unfinished() {
		m.fail(m.tally.packages[name])
	}
	for _, p := range m.tally.packages {
		m.remember(p)
	}
	m.total.add(m.tally.count())
}

// lastLines is how much of a failing test is told again at the end.
const lastLines = 12

// remember keeps what failed for the end of the run, where people look.
func (m *moduleReport) remember(p *packageRun) {
	if p.count().failed == 0 {
		return
	}
	said := p.output.String()
	for _, v := range p.tests {
		if p.blames(v) {
			said = v.name + "\n" + v.output.String()
			m.fails = append(m.fails, p.path+" "+tail(said, lastLines))
		}
	}
	if b := m.tally.builds[p.failedBuild]; b != nil {
		said = b.String()
	}
	if p.failedBuild != "" || len(p.tests) == 0 {
		m.fails = append(m.fails, p.path+"\n"+tail(said, lastLines))
	}
}

// tail is the first line of a text and the last n of the others.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	if len(lines) <= n+1 {
		return strings.Join(lines, "\n")
	}
	return lines[0] + "\n" + strings.Join(lines[len(lines)-n:], "\n")
}

// packageEnded prints one package's line, and all of what failed in it.
func (m *moduleReport) packageEnded(p *packageRun) {
	c := p.count()
	if p.ended == "skip" && c == (count{}) {
		return // no test files
	}
	for _, v := range p.tests {
		if v.ended == "skip" && !v.parent {
			m.skips = append(m.skips, fmt.Sprintf("%s %s: %s", p.path, v.name, reason(v.output.String())))
		}
	}
	took := p.elapsed.Round(100 * time.Millisecond).String()
	if p.cached {
		took = "cached"
	}
	if p.elapsed >= slow {
		m.slow = append(m.slow, slowPackage{p.path, p.elapsed})
	}
	if c.failed > 0 {
		m.fail(p)
		return
	}
	m.note("ok   %-50s %4d  %s", p.path, c.passed, took)
}

// fail prints what failed in a package.
func (m *moduleReport) fail(p *packageRun) {
	m.note("FAIL %-50s %s", p.path, p.count())
	if b := m.tally.builds[p.failedBuild]; b != nil {
		fmt.Fprint(m.w, indent(b.String()))
	}
	blamed := false
	for _, v := range p.tests {
		if !p.blames(v) {
			continue
		}
		blamed = true
		how := ""
		if v.ended == "" {
			how = " (did not end)"
		}
		fmt.Fprintf(m.w, "    --- %s%s\n%s", v.name, how, indent(v.output.String()))
	}
	if !blamed || p.ended == "" {
		fmt.Fprint(m.w, indent(p.output.String()))
	}
}

// watch names what still runs, each interval, until finished.
func (m *moduleReport) watch(finished <-chan struct{}, every time.Duration) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		select {
		case <-finished:
			return
		case <-tick.C:
			m.mu.Lock()
			m.progress()
			m.mu.Unlock()
		}
	}
}

func (m *moduleReport) progress() {
	names := m.tally.unfinished()
	if len(names) == 0 {
		m.note("     compiling (%d packages done)", len(m.tally.packages))
		return
	}
	for i, n := range names {
		names[i] = path.Base(n)
	}
	m.note("     running %s", strings.Join(names, ", "))
}

// end prints the skips, the slow packages and the one line that counts.
func (r *report) end() {
	slices.Sort(r.skips)
	for _, s := range r.skips {
		r.note("skip %s", s)
	}
	slices.SortFunc(r.slow, func(a, b slowPackage) int { return int(b.took - a.took) })
	for _, s := range r.slow {
		r.note("slow %-50s %s", s.name, s.took.Round(time.Second))
	}
	for _, f := range r.flaky {
		r.note("flaky, it failed and then passed alone: %s", f)
	}
	slices.Sort(r.fails)
	for _, f := range r.fails {
		head, rest, _ := strings.Cut(f, "\n")
		r.note("FAIL %s", head)
		fmt.Fprint(r.w, indent(rest))
	}
	fmt.Fprintln(r.w, r.total)
}

// reason finds why a test was skipped in what it printed.
func reason(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		line = strings.TrimSpace(line)
		if line != "" && !strings.HasPrefix(line, "=== ") && !strings.HasPrefix(line, "--- ") {
			said = append(said, line)
		}
	}
	if len(said) == 0 {
		return "it gave no reason"
	}
	return strings.Join(said, " ")
}

func indent(s string) string {
	var b strings.Builder
	for line := range strings.Lines(s) {
		b.WriteString("    " + strings.TrimSuffix(line, "\n") + "\n")
	}
	return b.String()
}
