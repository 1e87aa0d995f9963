package pool

import (
	"time"

	"github.com/furl-dev/furl/trigger"
)

// Lease is one user's share of a source.
type Lease struct {
	pool   *Pool
	owner  string
	reader *reader
	// metrics are those of the user's own settings: users of one source may
	// have different targets.
	metrics []trigger.Metric
	every   time.Duration
	notify  func()
}

// Reading is what is known of a source. What it points to is shared: read it only.
type Reading struct {
	// Sample is the last good one; At is zero where there was none yet. It stays
	// when later attempts fail: how old it may get is for its user to decide.
	Sample trigger.Sample
	// Metrics are those of the user's settings, or what a [trigger.Described]
	// source named last; none where it has not answered yet.
	Metrics []trigger.Metric
	// Attempted is when the last attempt ended; zero where there was none yet.
	Attempted time.Time
	// Err is why the last attempt gave no sample.
	Err error
	// Failures counts attempts in a row that gave no sample.
	Failures int
	// Pushed is when the source last said by itself that there is work. It
	// counts once, though a read may have said otherwise since.
	Pushed time.Time
	// Latency is how long the last good read took.
	Latency time.Duration
}

// Last returns what is known now.
func (l *Lease) Last() Reading {
	last := l.reader.reading()
	if last.Metrics == nil {
		last.Metrics = l.metrics
	}
	return last
}

// Release gives the share back; notify may be called once more. A second call does nothing.
func (l *Lease) Release() { l.pool.release(l) }
