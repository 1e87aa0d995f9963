package main

import (
	"cmp"
	"context"
	"slices"
	"strings"
)

// A test of real processes on a machine that others use too can fail because it
// waited in vain for its turn. It gets a second chance, alone; the report says
// so, and a test that fails twice has failed.

// mostAgain is how many failing tests of a module may be noise; more are a fault.
const mostAgain = 5

// again runs the module's failing tests once more, each package by itself, and
// takes the second verdict of those that passed.
func again(ctx context.Context, o options, dir string, m *moduleReport) error {
	for _, p := range m.tally.failing() {
		names := p.tops()
		m.note("once more, alone: %s %s", p.path, strings.Join(names, " "))
		second := &moduleReport{report: m.report, tally: newTally(&m.mu, func(*packageRun) {})}
		args := append(testArgs(o), "-count=1", "-run", "^("+strings.Join(names, "|")+")$", p.path)
		if err := stream(ctx, goTool(ctx, dir, args...), o.every, second); err != nil {
			return err
		}
		m.mu.Lock()
		m.forgive(p, second.tally.pkg(p.path))
		m.mu.Unlock()
	}
	return nil
}

// failing lists the packages whose failures are those of a few tests that ended:
// nothing else is worth a second run.
func (t *tally) failing() []*packageRun {
	var ps []*packageRun
	tests := 0
	for _, p := range t.packages {
		if p.ended == "fail" && p.failedBuild == "" && len(p.tops()) > 0 && !slices.ContainsFunc(p.tests, func(v *verdict) bool { return v.ended == "" }) {
			ps = append(ps, p)
			tests += len(p.tops())
		}
	}
	if tests > mostAgain {
		return nil
	}
	slices.SortFunc(ps, func(a, b *packageRun) int { return cmp.Compare(a.path, b.path) })
	return ps
}

// tops names the failing tests, without subtests.
func (p *packageRun) tops() []string {
	var names []string
	for _, v := range p.tests {
		if v.ended == "fail" && !strings.Contains(v.name, "/") {
			names = append(names, v.name)
		}
	}
	return names
}

// forgive takes what passed the second time as passed, and notes it.
func (m *moduleReport) forgive(first, second *packageRun) {
	for _, v := range first.tests {
		if w := second.byName[v.name]; v.ended == "fail" && w != nil && w.ended == "pass" {
			v.ended = "pass"
			if !v.parent {
				m.flaky = append(m.flaky, first.path+" "+v.name)
			}
		}
	}
	if len(first.tops()) == 0 {
		first.ended = "pass"
	}
}
