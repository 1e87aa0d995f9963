package process

import "time"

// Proc is one process as the kernel shows it.
type Proc struct {
	ID, Parent int
	State      byte          // Z: dead, not yet collected
	CPU        time.Duration // used by it and by its collected children, in steps of 10 ms
	start      uint64        // clock ticks after boot
}

// Table holds the processes of the machine by session.
type Table map[int][]Proc
