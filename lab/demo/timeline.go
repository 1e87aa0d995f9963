// Package demo shows a scaling workload live: what it uses, how many replicas it has, and why.
package demo

import "time"

// Point is what the demo saw at one instant.
type Point struct {
	At time.Duration // since the load began to be watched
	// CPU is the usage in percent of the request, negative while unknown; Target is the HPA's.
	CPU, Target float64
	// Desired is Furl's wish, Ready the pods that serve.
	Desired, Ready int32
	// Rate is the load in requests a second.
	Rate float64
	// Visible messages wait in the queue, InFlight ones are worked on, Answered ones are gone from it for good.
	Visible, InFlight, Answered int
	// Pods there are, and those that run; a model's do long before they serve.
	Pods, Started int
	// Nodes are those that were made for the pods.
	Nodes int
}

// Note is Furl's own account of a decision, at the instant it was made.
type Note struct {
	At   time.Duration
	From int32
	To   int32
	Why  []string
}

// Timeline is everything the demo saw, in order.
type Timeline struct {
	Title  string
	Panels []Panel            // how to draw it, from above
	Words  func(Point) string // how to tell of it in a line
	Points []Point
	Notes  []Note
	Max    int32 // the most replicas allowed, the top of their chart
}

// last returns the newest point, or a zero one.
func (t Timeline) last() Point {
	if len(t.Points) == 0 {
		return Point{CPU: -1}
	}
	return t.Points[len(t.Points)-1]
}

// first returns the first point that fits.
func (t Timeline) first(fits func(Point) bool) (Point, bool) {
	for _, p := range t.Points {
		if fits(p) {
			return p, true
		}
	}
	return Point{}, false
}

// peak returns the highest value of f over all points.
func (t Timeline) peak(f func(Point) float64) float64 {
	top := 0.0
	for _, p := range t.Points {
		top = max(top, f(p))
	}
	return top
}

// columns squeezes the points into n equal slices of time, the last ending at
// the newest point, and returns the highest value of f in each. A slice
// without a point repeats the one before.
func (t Timeline) columns(n int, f func(Point) float64) []float64 {
	cols := make([]float64, n)
	if len(t.Points) == 0 {
		return cols
	}
	span := max(t.last().At, time.Second)
	filled := make([]bool, n)
	for _, p := range t.Points {
		i := min(int(float64(n)*float64(p.At)/float64(span)), n-1)
		if v := f(p); !filled[i] || v > cols[i] {
			cols[i], filled[i] = v, true
		}
	}
	for i := 1; i < n; i++ {
		if !filled[i] {
			cols[i] = cols[i-1]
		}
	}
	return cols
}
