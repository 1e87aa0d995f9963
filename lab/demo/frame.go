package demo

import (
	"fmt"
	"strings"
	"time"
)

// Screen is the size and ability of the terminal.
type Screen struct {
	Width, Height int
	Colour        bool
}

const (
	gutter      = 7 // columns of the scale at the left of a chart
	chartHeight = 6
)

// Frame draws the timeline so far: load and CPU, replicas, and Furl's own
// explanation of its last decisions. It ends each line with a newline.
func Frame(t Timeline, s Screen) string {
	now := t.last()
	width := max(min(s.Width, 110)-gutter-2, 20)
	var b strings.Builder
	fmt.Fprintf(&b, " %s   %s\n\n", paint(t.Title, "1", s), clock(now.At))
	cpuChart(&b, t, width, s)
	replicaChart(&b, t, width, s)
	explanation(&b, t, s)
	return b.String()
}

func cpuChart(b *strings.Builder, t Timeline, width int, s Screen) {
	now := t.last()
	fmt.Fprintf(b, " CPU %s of request, target %.0f %%   load %.0f requests/s\n",
		paint(percent(now.CPU), string(warm), s), now.Target, now.Rate)
	top := max(t.peak(func(p Point) float64 { return p.CPU }), 2*now.Target, 1) * 1.05
	c := newCanvas(width, chartHeight)
	c.line(t.columns(width, func(p Point) float64 { return p.Target }), top, '╌', faint)
	c.bars(t.columns(width, func(p Point) float64 { return p.CPU }), top, warm)
	chart(b, c, top, s)
}

func replicaChart(b *strings.Builder, t Timeline, width int, s Screen) {
	now := t.last()
	fmt.Fprintf(b, "\n Replicas: desired %s, ready %s, most allowed %d\n",
		paint(fmt.Sprint(now.Desired), string(strong), s), paint(fmt.Sprint(now.Ready), string(cool), s), t.Max)
	top := float64(max(t.Max, 1)) * 1.05
	c := newCanvas(width, chartHeight)
	c.bars(t.columns(width, func(p Point) float64 { return float64(p.Ready) }), top, cool)
	c.line(t.columns(width, func(p Point) float64 { return float64(p.Desired) }), top, '━', strong)
	chart(b, c, top, s)
}

func chart(b *strings.Builder, c canvas, top float64, s Screen) {
	for y := range c {
		scale := strings.Repeat(" ", gutter-1)
		if y == 0 || y == len(c)/2 {
			scale = fmt.Sprintf("%*.0f", gutter-1, top*float64(len(c)-y)/float64(len(c)))
		}
		fmt.Fprintf(b, "%s %s%s\n", paint(scale, string(faint), s), paint("│", string(faint), s), c.row(y, s))
	}
}

func explanation(b *strings.Builder, t Timeline, s Screen) {
	b.WriteString("\n Why, in Furl's words\n")
	if len(t.Notes) == 0 {
		b.WriteString("   nothing to change yet\n")
		return
	}
	room := max(s.Height-2*chartHeight-9, 4)
	for i := len(t.Notes) - 1; i >= 0 && room > 0; i-- {
		n := t.Notes[i]
		fmt.Fprintf(b, "   %s  %s\n", clock(n.At), paint(fmt.Sprintf("%d → %d", n.From, n.To), "1", s))
		room--
		for _, w := range n.Why {
			if room == 0 {
				return
			}
			fmt.Fprintf(b, "          %s\n", clip(w, s.Width-11))
			room--
		}
	}
}

// paint wraps text in an ANSI code where the screen has colours.
func paint(text, code string, s Screen) string {
	if !s.Colour || text == "" {
		return text
	}
	return "\x1b[" + code + "m" + text + "\x1b[0m"
}

func percent(v float64) string {
	if v < 0 {
		return "<unknown>"
	}
	return fmt.Sprintf("%.0f %%", v)
}

func clock(d time.Duration) string {
	s := int(d.Seconds())
	return fmt.Sprintf("%02d:%02d", s/60, s%60)
}

// clip shortens text to n characters.
func clip(text string, n int) string {
	r := []rune(text)
	if n < 1 || len(r) <= n {
		return text
	}
	return string(r[:n-1]) + "…"
}
