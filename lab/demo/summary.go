package demo

import (
	"fmt"
	"strings"
	"time"
)

// Summary says in a few lines what happened; fall is when the load was taken away.
func Summary(t Timeline, fall time.Duration) string {
	var b strings.Builder
	b.WriteString(" What happened\n")
	if len(t.Notes) == 0 {
		b.WriteString("   nothing: no decision changed the size\n")
		return b.String()
	}
	fmt.Fprintf(&b, "   load began            00:00\n   first new size        %s  (%d → %d)\n", clock(t.Notes[0].At), t.Notes[0].From, t.Notes[0].To)
	top := t.top(fall)
	fmt.Fprintf(&b, "   largest size          %s  %d replicas, CPU was %.0f %% at most\n", clock(top.At), top.Desired, t.peak(func(p Point) float64 { return p.CPU }))
	fmt.Fprintf(&b, "   load ended            %s\n", clock(fall))
	if now := t.last(); now.Desired == 1 {
		fmt.Fprintf(&b, "   back to one replica   %s\n", clock(now.At))
	} else {
		fmt.Fprintf(&b, "   still %d replicas      %s  (this machine was slow; the demo stops waiting here)\n", now.Desired, clock(now.At))
	}
	fmt.Fprintf(&b, "   decisions that changed the size: %d\n", len(t.Notes))
	return b.String()
}

// top is the first point of the largest size before the load ended.
func (t Timeline) top(fall time.Duration) Point {
	var top Point
	for _, p := range t.Points {
		if p.At <= fall && p.Desired > top.Desired {
			top = p
		}
	}
	return top
}

// typed joins arguments as one would type them in a shell.
func typed(args []string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		quoted[i] = a
		if strings.ContainsAny(a, " ;{}\"") {
			quoted[i] = "'" + a + "'"
		}
	}
	return strings.Join(quoted, " ")
}
