package limit

import (
	"sync"
	"syscall"
	"time"
)

const (
	lookBusy    = 10 * time.Millisecond  // between two looks at processes that use CPU
	lookIdle    = 50 * time.Millisecond  // at processes that use none: half a period late at most
	lookMembers = 500 * time.Millisecond // between two lists of who belongs to it
)

// turns is a quota kept by stopping processes that used up their share and continuing them when they have earned
// a new one. What they overdraw between two looks they pay back, so the average is exact.
type turns struct {
	members Members
	stop    chan struct{}
	ended   sync.WaitGroup

	mu    sync.Mutex // guards extra and cores
	extra []int      // added, not yet listed
	cores float64
}

func startTurns(cores float64, members Members) *turns {
	t := &turns{cores: cores, members: members, stop: make(chan struct{})}
	t.ended.Go(t.run)
	return t
}

func (t *turns) Add(process int) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.extra = append(t.extra, process)
	return nil
}

func (t *turns) Set(cores float64) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cores = cores
	return nil
}

func (t *turns) share() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.cores
}

func (t *turns) Close() error {
	close(t.stop)
	t.ended.Wait()
	return nil
}

func (t *turns) run() {
	b := budget{cores: t.share(), used: map[int]time.Duration{}}
	b.earned = b.most()
	last := time.Now()
	var listed time.Time
	var held []int
	wait := time.NewTimer(lookBusy)
	defer wait.Stop()
	for {
		select {
		case <-t.stop:
			signal(held, syscall.SIGCONT)
			return
		case <-wait.C:
		}
		now := time.Now()
		if now.Sub(listed) >= lookMembers {
			held, listed = t.list(), now
			b.cores = t.share()
		}
		wasStopped := b.stopped
		busy := b.look(held, now.Sub(last), cpuTime)
		last = now
		switch {
		case b.stopped:
			signal(held, syscall.SIGSTOP) // each time: somebody may have joined or been continued
		case wasStopped:
			signal(held, syscall.SIGCONT)
		}
		if busy || b.stopped {
			wait.Reset(lookBusy)
		} else {
			wait.Reset(lookIdle)
		}
	}
}

func (t *turns) list() []int {
	t.mu.Lock()
	defer t.mu.Unlock()
	held := append(t.members(), t.extra...)
	t.extra = nil
	return held
}

func signal(processes []int, s syscall.Signal) {
	for _, p := range processes {
		_ = syscall.Kill(p, s) // it may have ended
	}
}

// budget is the arithmetic of turns: a bucket that fills with the share and empties with use.
type budget struct {
	cores   float64
	earned  time.Duration // of CPU time; negative: overdrawn
	stopped bool
	used    map[int]time.Duration // CPU time of each process when last seen
}

// most is what can be saved up: one period's share.
func (b *budget) most() time.Duration { return time.Duration(b.cores * float64(period)) }

// look accounts for what the processes used in the time since the last look and decides whether they stand still.
// It reports whether they used anything.
func (b *budget) look(processes []int, since time.Duration, cpu func(int) (time.Duration, bool)) bool {
	var spent time.Duration
	seen := make(map[int]time.Duration, len(processes))
	for _, p := range processes {
		total, ok := cpu(p)
		if !ok {
			continue
		}
		spent += max(0, total-b.used[p])
		seen[p] = total
	}
	b.used = seen
	b.earned += time.Duration(b.cores*float64(since)) - spent
	if !b.stopped { // what is earned standing still is not lost when this program comes late to wake them
		b.earned = min(b.earned, b.most())
	}
	if b.stopped {
		b.stopped = b.earned < b.most()/2 // run again when a worthwhile turn is saved up
	} else {
		b.stopped = b.earned <= 0
	}
	return spent > 0
}
