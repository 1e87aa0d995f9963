package process

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

const recordsFolder = "sessions"

// record names a session beyond doubt: ids are used again, but not with the same start in the same boot.
type record struct {
	Session int    `json:"session,omitempty"`
	Start   uint64 `json:"start,omitempty"` // clock ticks after boot
	Boot    string `json:"boot,omitempty"`
	Folder  string `json:"folder,omitempty"` // a cgroup to remove
}

func writeRecord(root string, r record) error {
	b, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("recording session %d: %w", r.Session, err)
	}
	if err := os.WriteFile(filepath.Join(root, recordsFolder, strconv.Itoa(r.Session)), b, 0o600); err != nil { //nolint:gosec // the node's own folder
		return fmt.Errorf("recording session %d: %w", r.Session, err)
	}
	return nil
}

func recordFolder(root, folder string) error {
	b, err := json.Marshal(record{Folder: folder})
	if err != nil {
		return fmt.Errorf("recording cgroup %s: %w", folder, err)
	}
	if err := os.WriteFile(filepath.Join(root, recordsFolder, "cgroup"), b, 0o600); err != nil {
		return fmt.Errorf("recording cgroup %s: %w", folder, err)
	}
	return nil
}

func dropRecord(root string, session int) {
	_ = os.Remove(filepath.Join(root, recordsFolder, strconv.Itoa(session)))
}

// Sweep kills the sessions and removes the cgroups that an earlier run of a host recorded in root and left alive.
// It touches nothing else: a process counts only if its session was started when the record says, or if that
// session's first process is gone and this one started later.
func Sweep(root string) error {
	files, err := os.ReadDir(filepath.Join(root, recordsFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("reading session records: %w", err)
	}
	boot := bootID()
	for _, f := range files {
		path := filepath.Join(root, recordsFolder, f.Name())
		b, err := os.ReadFile(path) //nolint:gosec // our own folder
		if err != nil {
			return fmt.Errorf("reading session record %s: %w", f.Name(), err)
		}
		var r record
		if json.Unmarshal(b, &r) == nil {
			r.sweep(boot)
		}
		if err := os.Remove(path); err != nil { //nolint:gosec // a record in the node's own folder
			return fmt.Errorf("removing session record %s: %w", f.Name(), err)
		}
	}
	return nil
}

func (r record) sweep(boot string) {
	if r.Folder != "" {
		children, _ := filepath.Glob(filepath.Join(r.Folder, "*"))
		for _, c := range append(children, r.Folder) {
			_ = os.Remove(c) // removes empty folders only: the files of a cgroup refuse
		}
		return
	}
	if r.Session <= 1 || r.Boot != boot {
		return
	}
	for range killRounds {
		if !r.killOnce() {
			return
		}
		time.Sleep(killPause)
	}
}

// killOnce reports whether something was still alive.
func (r record) killOnce() bool {
	table, err := readTable()
	if err != nil || len(table) == 0 { // no process table on this platform
		return startTicks(r.Session) == r.Start && syscall.Kill(-r.Session, syscall.SIGKILL) == nil
	}
	if now := startTicks(r.Session); now != 0 && now != r.Start {
		return false // the id belongs to somebody else by now
	}
	alive := false
	for _, p := range table[r.Session] {
		if p.State != 'Z' && p.start >= r.Start && p.ID > 1 {
			alive = true
			_ = syscall.Kill(p.ID, syscall.SIGKILL)
		}
	}
	return alive
}
