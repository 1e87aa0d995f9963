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

// Frame draws the timeline so far: its panels, and Furl's own explanation of its last decisions. It ends each line with a
// newline.
func Frame(t Timeline, s Screen) string {
	width := max(min(s.Width, 110)-gutter-2, 20)
	var b strings.Builder
	fmt.Fprintf(&b, " %s   %s\n", paint(t.Title, "1", s), clock(t.last().At))
	for _, p := range t.Panels {
		fmt.Fprintf(&b, "\n %s\n", p.Head(t, s))
		top := p.Top(t) * margin
		c := newCanvas(width, p.Rows)
		for _, v := range p.Series {
			values := t.columns(width, v.Value)
			if v.Mark == 0 {
				c.bars(values, top, v.Ink)
				continue
			}
			c.line(values, top, v.Mark, v.Ink)
		}
		chart(&b, c, top, s)
	}
	explanation(&b, t, s)
	return b.String()
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

// rows is how many lines the panels take.
func (t Timeline) rows() int {
	n := 0
	for _, p := range t.Panels {
		n += p.Rows + 2 // its head, and a line between
	}
	return n
}

func explanation(b *strings.Builder, t Timeline, s Screen) {
	b.WriteString("\n Why, in Furl's words\n")
	if len(t.Notes) == 0 {
		b.WriteString("   nothing to change yet\n")
		return
	}
	room := max(s.Height-t.rows()-5, 4)
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
