// Package process runs a container's programs as sessions of local processes and leaves none of them behind.
//
// Three things see to that. Each first process dies with the thread that started it (Pdeathsig, Linux).
// A warden, a small shell script in a session of its own, kills whole sessions when the pipe to this program
// breaks. And what both missed is found by its records at the next start ([Sweep]).
package process

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"time"
)

// reapEvery is how often orphans that were handed to this program are collected when nobody looks at usage.
const reapEvery = 5 * time.Second

// Host starts sessions and owns what is needed to end them whatever happens.
type Host struct {
	root   string
	boot   string
	log    *slog.Logger
	warden *warden
	spawn  chan func()
	stop   chan struct{}
	ended  sync.WaitGroup

	mu       sync.Mutex // guards sessions, table and scanned
	sessions map[int]*Session
	table    Table
	scanned  time.Time
}

// Open prepares root (it holds the records of the sessions) and kills what an earlier run left there.
func Open(root string, log *slog.Logger) (*Host, error) {
	if err := os.MkdirAll(filepath.Join(root, recordsFolder), 0o700); err != nil { //nolint:gosec // the node's own folder
		return nil, fmt.Errorf("making the folder of session records: %w", err)
	}
	if err := Sweep(root); err != nil {
		return nil, err
	}
	if err := adoptOrphans(); err != nil {
		log.Warn("orphans_not_adopted", "error", err)
	}
	w, err := startWarden(root, log)
	if err != nil {
		return nil, err
	}
	h := &Host{
		root: root, boot: bootID(), log: log, warden: w,
		spawn: make(chan func()), stop: make(chan struct{}), sessions: map[int]*Session{},
	}
	h.ended.Add(2)
	go h.spawner()
	go h.reaper()
	return h, nil
}

// Guard names a cgroup folder that must be removed, with its children, should this program be killed.
func (h *Host) Guard(folder string) error {
	if err := recordFolder(h.root, folder); err != nil {
		return err
	}
	h.warden.tell("g", folder)
	return nil
}

// Close ends the warden and the thread that starts processes. Every session must have ended before.
func (h *Host) Close() {
	close(h.stop)
	h.ended.Wait()
	h.warden.close()
}

// spawner starts every process from one thread, because the kernel sends Pdeathsig when the parent's thread
// ends, not when its process does.
func (h *Host) spawner() {
	defer h.ended.Done()
	runtime.LockOSThread()
	for {
		select {
		case start := <-h.spawn:
			start()
		case <-h.stop:
			return // still locked: the thread ends with the goroutine
		}
	}
}

func (h *Host) reaper() {
	defer h.ended.Done()
	tick := time.NewTicker(reapEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.Scan(0)
		case <-h.stop:
			return
		}
	}
}

// Scan returns the processes of every session, read anew when the last reading is older than maxAge,
// and collects orphans that have ended, charging their CPU time to their session.
func (h *Host) Scan(maxAge time.Duration) Table {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.table != nil && maxAge > 0 && time.Since(h.scanned) < maxAge {
		return h.table
	}
	table, err := readTable()
	if err != nil {
		h.log.Warn("processes_not_read", "error", err)
		return h.table
	}
	for id, s := range h.sessions {
		h.collect(s, table[id])
	}
	h.table, h.scanned = table, time.Now()
	return table
}

// collect reaps the dead orphans of one session. The first process is left to its own waiter.
func (h *Host) collect(s *Session, procs []Proc) {
	for _, p := range procs {
		if p.State != 'Z' || p.Parent != os.Getpid() || p.ID == s.ID {
			continue
		}
		if used, ok := reap(p.ID); ok {
			s.charge(used)
		}
	}
}

func (h *Host) add(s *Session) error {
	h.mu.Lock()
	h.sessions[s.ID] = s
	h.mu.Unlock()
	h.warden.tell("+", fmt.Sprint(s.ID))
	return writeRecord(h.root, record{Session: s.ID, Start: startTicks(s.ID), Boot: h.boot})
}

func (h *Host) remove(s *Session) {
	h.mu.Lock()
	delete(h.sessions, s.ID)
	h.mu.Unlock()
	h.warden.tell("-", fmt.Sprint(s.ID))
	dropRecord(h.root, s.ID)
}
