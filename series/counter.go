package series

import "time"

// youngest is the least age whose total says something about the rate: below
// it the work of starting up is most of what was counted. It is upstream's
// freshContainerMinMetricsResolution.
const youngest = 10 * time.Second

// Point is a counter's total at one instant. It holds no [time.Time]: two of
// them for each of 30,000 containers are what a large cluster keeps.
type Point struct {
	At    int64  // milliseconds since the Unix epoch, above 0
	Total uint64 // in the counter's own unit, such as nanoseconds of CPU
}

// Gap says why a [Counter] has no rate. The set is closed.
type Gap uint8

// Why a rate is missing.
const (
	Unseen    Gap = iota // nothing was counted yet
	Single               // one point is no rate; the next one makes it
	Restarted            // it began anew after the last point
	WentBack             // total or clock fell, so the older points say nothing
	NoGap                // there is a rate
)

// Life is what a [Counter] must know about the thing it counts.
type Life struct {
	// Start is when the total was zero, in milliseconds since the epoch; 0 is unknown.
	Start int64
	// Fresh is the age below which a first total is divided by its whole life
	// instead of waiting for a second one. It has no effect below 10 s.
	Fresh time.Duration
	// MinWindow is the shortest window a rate may have; a point that follows
	// the last one sooner is not taken.
	MinWindow time.Duration
}

// Counter turns a growing total into a rate with the least that allows it: two
// points of one life. The zero value has seen nothing.
type Counter struct {
	last, prev Point
	gap        Gap
}

// Add takes the next point and reports whether it was news.
func (c *Counter) Add(p Point, l Life) bool {
	since := time.Duration(p.At-c.last.At) * time.Millisecond
	switch {
	case c.gap == Unseen:
		c.begin(p, l, Single)
	case p.At == c.last.At:
		return false
	case p.Total == 0 && c.last.Total > 0 && l.Start < c.last.At:
		return false // nothing falls to nothing: it was not read, and the way back would be a leap
	case p.At < c.last.At || p.Total < c.last.Total && l.Start < c.last.At:
		c.begin(p, l, WentBack)
	case l.Start >= c.last.At:
		c.begin(p, l, Restarted)
	case since < l.MinWindow:
		return false
	default:
		*c = Counter{last: p, prev: c.last, gap: NoGap}
	}
	return true
}

// begin forgets what was before p. A young life is counted from its start.
func (c *Counter) begin(p Point, l Life, why Gap) {
	*c = Counter{last: p, gap: why}
	age := time.Duration(p.At-l.Start) * time.Millisecond
	if l.Start > 0 && age >= max(youngest, l.MinWindow) && age < l.Fresh {
		c.prev, c.gap = Point{At: l.Start}, NoGap
	}
}

// Rate is a counter's growth per second over the Window that ended at At.
type Rate struct {
	PerSecond float64
	At        time.Time
	Window    time.Duration
}

// Rate returns the growth between the two points, or why there is none. At is
// the instant of the last point, also when there is no rate.
func (c *Counter) Rate() (Rate, Gap) {
	r := Rate{At: time.UnixMilli(c.last.At).UTC()}
	if c.gap != NoGap {
		return r, c.gap
	}
	r.Window = time.Duration(c.last.At-c.prev.At) * time.Millisecond
	r.PerSecond = float64(c.last.Total-c.prev.Total) / r.Window.Seconds()
	return r, NoGap
}
