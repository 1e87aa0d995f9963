// Package demo shows a scaling workload live: what it uses, how many replicas it has, and why.
package demo

import "time"

// Point is what the demo saw at one instant.
type Point struct {
	At time.Duration // since the load began to be watched
	// CPU is the usage in percent of the request, negative while unknown; Target is the HPA's.
	CPU, Target float64
	// Desired is the HPA's wish, Ready the pods that serve.
	Desired, Ready int32
	// Rate is the load in requests a second.
	Rate float64
}

// Note is one sentence of Furl about a decision, at the instant it was made.
type Note struct {
	At   time.Duration
	From int32
	To   int32
	Why  []string
}

// Timeline is everything the demo saw, in order.
type Timeline struct {
	Title  string
	Points []Point
	Notes  []Note
	Max    int32 // the HPA's maxReplicas, the top of the replica chart
}

// last returns the newest point, or a zero one.
func (t Timeline) last() Point {
	if len(t.Points) == 0 {
		return Point{CPU: -1}
	}
	return t.Points[len(t.Points)-1]
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
