package demo

import (
	"fmt"
	"html"
	"io"
	"strings"
)

// The picture's measures, in SVG user units.
const (
	svgWidth  = 960
	svgLeft   = 60
	svgRight  = 20
	panelTop  = 84
	panelHigh = 170
	panelGap  = 60
)

// WriteSVG draws the whole timeline as a self-contained SVG picture: its panels,
// one below the other, and a numbered mark for each decision with its explanation.
func WriteSVG(w io.Writer, t Timeline) error {
	p := plot{t: t, span: max(t.last().At.Seconds(), 1)}
	notes := panelTop + len(t.Panels)*(panelHigh+panelGap) - panelGap + 50
	height := notes + 20
	for _, n := range t.Notes {
		height += 20 + 16*len(n.Why)
	}
	fmt.Fprintf(&p.b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" font-family="system-ui,sans-serif" font-size="12">`+"\n", svgWidth, height)
	fmt.Fprintf(&p.b, `<rect width="%d" height="%d" fill="#fff"/><text x="%d" y="30" font-size="18" font-weight="600">%s</text>`+"\n",
		svgWidth, height, svgLeft, html.EscapeString(t.Title))
	for i, panel := range t.Panels {
		p.panel(panelTop+i*(panelHigh+panelGap), panel)
	}
	p.notes(notes)
	p.b.WriteString("</svg>\n")
	_, err := io.WriteString(w, p.b.String())
	return err
}

type plot struct {
	b    strings.Builder
	t    Timeline
	span float64 // seconds
}

func (p *plot) x(seconds float64) float64 {
	return svgLeft + seconds/p.span*(svgWidth-svgLeft-svgRight)
}

func (p *plot) panel(y int, panel Panel) {
	top := panel.Top(p.t) * margin
	p.axes(y, panel.Title, top)
	p.marks(y)
	for _, v := range panel.Series {
		p.series(y, top, v.Value, v.Style)
	}
}

// marks draws a numbered line at each decision.
func (p *plot) marks(y int) {
	for i, n := range p.t.Notes {
		x := p.x(n.At.Seconds())
		fmt.Fprintf(&p.b, `<line x1="%.1f" x2="%.1f" y1="%d" y2="%d" stroke="#e5e7eb"/><text x="%.1f" y="%d" text-anchor="middle" fill="#374151">%d</text>`+"\n",
			x, x, y, y+panelHigh, x, y-4, i+1)
	}
}

func (p *plot) axes(y int, title string, top float64) {
	fmt.Fprintf(&p.b, `<text x="%d" y="%d" font-weight="600">%s</text>`+"\n", svgLeft, y-18, title)
	for _, part := range []float64{0, 0.5, 1} {
		v := top / margin * part
		yy := p.y(y, top, v)
		fmt.Fprintf(&p.b, `<line x1="%d" x2="%d" y1="%.1f" y2="%.1f" stroke="#e5e7eb"/><text x="%d" y="%.1f" text-anchor="end" fill="#6b7280">%.0f</text>`+"\n",
			svgLeft, svgWidth-svgRight, yy, yy, svgLeft-8, yy+4, v)
	}
	for _, part := range []float64{0, 0.25, 0.5, 0.75, 1} {
		s := p.span * part
		fmt.Fprintf(&p.b, `<text x="%.1f" y="%d" text-anchor="middle" fill="#6b7280">%d:%02d</text>`+"\n", p.x(s), y+panelHigh+16, int(s)/60, int(s)%60)
	}
}

func (*plot) y(panel int, top, v float64) float64 {
	return float64(panel+panelHigh) - v/top*panelHigh
}

// series draws one value over time. Unknown (negative) values break the line.
func (p *plot) series(panel int, top float64, f func(Point) float64, style string) {
	var path strings.Builder
	pen := "M"
	for _, q := range p.t.Points {
		v := f(q)
		if v < 0 {
			pen = "M"
			continue
		}
		fmt.Fprintf(&path, "%s%.1f %.1f", pen, p.x(q.At.Seconds()), p.y(panel, top, v))
		pen = "L"
	}
	if path.Len() > 0 {
		fmt.Fprintf(&p.b, `<path d="%s" %s/>`+"\n", path.String(), style)
	}
}

func (p *plot) notes(y int) {
	for i, n := range p.t.Notes {
		fmt.Fprintf(&p.b, `<text x="%d" y="%d" font-weight="600">%d. %s  %d → %d</text>`+"\n", svgLeft, y, i+1, clock(n.At), n.From, n.To)
		for _, w := range n.Why {
			y += 16
			fmt.Fprintf(&p.b, `<text x="%d" y="%d" fill="#374151">%s</text>`+"\n", svgLeft+20, y, html.EscapeString(w))
		}
		y += 20
	}
}
