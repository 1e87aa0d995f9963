// Package usage turns what processes have used into the counters a kubelet serves on /metrics/resource.
package usage

import (
	"sync"
	"time"
)

// Counter makes sums that were read from a moving process table monotonic. A dead process is seen by its parent
// a moment later than it disappears, and some parents never collect: a sum may fall, a counter must not.
type Counter struct {
	mu    sync.Mutex // guards all
	total time.Duration
	last  time.Duration
}

// Observe takes the next sum and gives the counter. A sum that fell is read again at once: if the time is still
// missing, it is lost for good and the counter goes on from where it stood.
func (c *Counter) Observe(read func() time.Duration) time.Duration {
	sum := read()
	c.mu.Lock()
	defer c.mu.Unlock()
	if sum < c.last {
		if sum = read(); sum < c.last {
			c.last = sum
			return c.total
		}
	}
	c.total += sum - c.last
	c.last = sum
	return c.total
}

// Container is one running container's use at an instant.
type Container struct {
	Name        string
	Started     time.Time
	At          time.Time
	CPU         time.Duration // since it was started
	MemoryBytes int64         // working set
	SwapBytes   int64
}

// Pod is one pod's use, with what its earlier containers used.
type Pod struct {
	Namespace, Name string
	At              time.Time
	CPU             time.Duration
	MemoryBytes     int64
	SwapBytes       int64
	Containers      []Container
}

// Node is the use of the node and its pods.
type Node struct {
	At          time.Time
	CPU         time.Duration
	MemoryBytes int64
	SwapBytes   int64
	Pods        []Pod
}
