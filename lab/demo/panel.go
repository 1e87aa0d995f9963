package demo

import "fmt"

// Panel is one chart of a timeline: its words, its scale, and what is drawn into it.
type Panel struct {
	Title  string                            // in the picture
	Head   func(t Timeline, s Screen) string // above it on the screen, with the newest numbers
	Top    func(t Timeline) float64          // the value at the upper edge, of the scale's marks
	Rows   int                               // on the screen
	Series []Series                          // the first lies below the others
}

// Series is one value over time.
type Series struct {
	Value func(Point) float64
	Mark  rune   // of the line on the screen; 0 draws bars
	Ink   ink    // on the screen
	Style string // in the picture, as SVG attributes
}

// margin keeps the highest value below the edge.
const margin = 1.05

func stroke(colour string) string { return `fill="none" stroke="` + colour + `" stroke-width="2"` }

// webPanels show part 1: what a web server uses, and how many of it there are.
func webPanels() []Panel {
	return []Panel{{
		Title: "CPU, percent of request", Rows: chartHeight,
		Head: func(t Timeline, s Screen) string {
			now := t.last()
			return fmt.Sprintf("CPU %s of request, target %.0f %%   load %.0f requests/s", paint(percent(now.CPU), string(warm), s), now.Target, now.Rate)
		},
		Top: func(t Timeline) float64 {
			return max(t.peak(func(p Point) float64 { return p.CPU }), 2*t.last().Target, 1)
		},
		Series: []Series{
			{Value: func(p Point) float64 { return p.Target }, Mark: '╌', Ink: faint, Style: `fill="none" stroke="#6b7280" stroke-dasharray="4 4"`},
			{Value: func(p Point) float64 { return p.CPU }, Ink: warm, Style: stroke("#d97706")},
		},
	}, {
		Title: "Replicas: desired (green), ready (blue)", Rows: chartHeight,
		Head: func(t Timeline, s Screen) string { return sizes(t, s) },
		Top:  allowed, Series: replicas(),
	}}
}

// queuePanels show part 2: a queue, the pods that empty it, and the nodes that are made for them.
func queuePanels() []Panel {
	return []Panel{{
		Title: "Messages: waiting or in flight (amber), answered (grey)", Rows: 4,
		Head: func(t Timeline, s Screen) string {
			now := t.last()
			return fmt.Sprintf("Messages: waiting %s, in flight %d, answered %d", paint(fmt.Sprint(now.Visible), string(warm), s), now.InFlight, now.Answered)
		},
		Top: func(t Timeline) float64 {
			return max(t.peak(func(p Point) float64 { return float64(max(p.Visible+p.InFlight, p.Answered)) }), 10)
		},
		Series: []Series{
			{Value: func(p Point) float64 { return float64(p.Visible + p.InFlight) }, Ink: warm, Style: stroke("#d97706")},
			{Value: func(p Point) float64 { return float64(p.Answered) }, Mark: '╌', Ink: faint, Style: `fill="none" stroke="#6b7280" stroke-dasharray="4 4"`},
		},
	}, {
		Title: "Replicas: desired (green), ready (blue)", Rows: 4,
		Head: func(t Timeline, s Screen) string {
			return sizes(t, s) + fmt.Sprintf(", loading the model %d", max(t.last().Started-int(t.last().Ready), 0))
		},
		Top: allowed, Series: replicas(),
	}, {
		Title: "GPU nodes, made by Karpenter", Rows: 2,
		Head: func(t Timeline, s Screen) string {
			return "GPU nodes: " + paint(fmt.Sprint(t.last().Nodes), string(rented), s)
		},
		Top:    allowed,
		Series: []Series{{Value: func(p Point) float64 { return float64(p.Nodes) }, Ink: rented, Style: stroke("#7c3aed")}},
	}}
}

func sizes(t Timeline, s Screen) string {
	now := t.last()
	return fmt.Sprintf("Replicas: desired %s, ready %s, most allowed %d",
		paint(fmt.Sprint(now.Desired), string(strong), s), paint(fmt.Sprint(now.Ready), string(cool), s), t.Max)
}

func allowed(t Timeline) float64 { return float64(max(t.Max, 1)) }

func replicas() []Series {
	return []Series{
		{Value: func(p Point) float64 { return float64(p.Ready) }, Ink: cool, Style: stroke("#0284c7")},
		{Value: func(p Point) float64 { return float64(p.Desired) }, Mark: '━', Ink: strong, Style: stroke("#16a34a")},
	}
}
