package pool

import (
	"sync"
	"time"
)

// lane is where a source stands in line for a read.
type lane int

const (
	// sound is for sources whose last read went well, and for new ones.
	sound lane = iota
	// suspect is for those that failed last: however many of them hang, they
	// take no place from the sound ones.
	suspect
)

// lanes bound how many reads are under way, each lane by itself.
type lanes struct {
	limit int

	mu    sync.Mutex // guards the fields below
	busy  [2]int
	queue [2][]string // keys that wait for a place, first come first served
}

// take gets a place, or queues the key for one.
func (l *lanes) take(in lane, key string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.busy[in] < l.limit {
		l.busy[in]++
		return true
	}
	l.queue[in] = append(l.queue[in], key)
	return false
}

// leave gives a place up, or passes it on to the key that is returned.
func (l *lanes) leave(in lane) (key string, passed bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue[in]) == 0 {
		l.busy[in]--
		return "", false
	}
	key = l.queue[in][0]
	l.queue[in] = l.queue[in][1:]
	return key, true
}

// taken counts the places that are taken.
func (l *lanes) taken() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.busy[sound] + l.busy[suspect]
}

// burst notices that many sources begin together.
type burst struct {
	left float64
	at   time.Time
}

// together is how many sources may begin within one second without being
// spread: a person who applies a file wants its first reads at once.
const together = 16

// spread is how long a source that begins now may have to wait.
func (b *burst) spread(now time.Time, most time.Duration) time.Duration {
	if b.at.IsZero() {
		b.left = together
	} else {
		b.left = min(together, b.left+now.Sub(b.at).Seconds()*together)
	}
	b.at = now
	if b.left < 1 {
		return most
	}
	b.left--
	return 0
}
