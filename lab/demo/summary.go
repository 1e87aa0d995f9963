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

// QueueSummary says in a few lines what happened in part 2, beside the minutes that the walkthrough expects on a real
// cluster; twice is how many messages were answered more than once.
func QueueSummary(t Timeline, twice int) string {
	sent := int(t.peak(func(p Point) float64 { return float64(p.Visible + p.InFlight + p.Answered) }))
	most := int32(t.peak(func(p Point) float64 { return float64(p.Desired) }))
	nodes := int(t.peak(func(p Point) float64 { return float64(p.Nodes) }))
	emptied := func(p Point) bool { return p.Answered > 0 && p.Answered == sent && p.Visible+p.InFlight == 0 }
	var b strings.Builder
	b.WriteString(" What happened                            here   walkthrough\n")
	row := func(what, minutes string, fits func(Point) bool) {
		at := "never" // this machine was slow; the demo stopped waiting
		if p, ok := t.first(fits); ok {
			at = clock(p.At)
		}
		b.WriteString(strings.TrimRight(fmt.Sprintf("   %-36s  %s  %s", what, at, minutes), " ") + "\n")
	}
	row(fmt.Sprintf("%d messages in the queue", sent), "0-1 min", func(p Point) bool { return p.Visible+p.InFlight+p.Answered == sent })
	row("first replica wanted", "1-2 min", func(p Point) bool { return p.Desired > 0 })
	row(fmt.Sprintf("%d replicas wanted", most), "1-2 min", func(p Point) bool { return p.Desired == most })
	row(fmt.Sprintf("%d GPU nodes", nodes), "2-5 min", func(p Point) bool { return p.Nodes == nodes })
	row("first pod ready", "5-6 min", func(p Point) bool { return p.Ready > 0 })
	row(fmt.Sprintf("%d messages answered", sent), "6-7 min", emptied)
	row("zero replicas wanted", "7-8 min", func(p Point) bool { return emptied(p) && p.Desired == 0 })
	row("no GPU node left", "", func(p Point) bool { return emptied(p) && p.Nodes == 0 })
	fmt.Fprintf(&b, "   messages answered twice: %d; decisions that changed the size: %d\n", twice, len(t.Notes))
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
