// Package hush keeps events that say the same from being sent again and again.
package hush

import "time"

const (
	// An event that still holds is sent again after a while, one that says it
	// in other words after upstream's sync period.
	repeatAfter = time.Minute
	rewordAfter = 15 * time.Second
)

// Topic is what an event is about: its reason, and a signal if it is about one.
type Topic struct{ Reason, Signal string }

// Log remembers what was said about one object. Its zero value is ready to use.
type Log struct{ said map[Topic]saying }

type saying struct {
	message string
	at      time.Time
}

// MaySay tells whether an event should be sent, and notes that it is.
func (l *Log) MaySay(t Topic, message string, at time.Time) bool {
	last, known := l.said[t]
	pace := rewordAfter
	if last.message == message {
		pace = repeatAfter
	}
	if known && at.Sub(last.at) < pace {
		return false
	}
	if l.said == nil {
		l.said = make(map[Topic]saying)
	}
	l.said[t] = saying{message, at}
	return true
}

// Forget lets the next event of a topic be sent whenever it comes, such as
// after what it was about has ended.
func (l *Log) Forget(t Topic) { delete(l.said, t) }
