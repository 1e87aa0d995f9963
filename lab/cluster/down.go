package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"
)

// stopGrace is how long a supervisor may take to stop everything: pods get their own grace within it.
const stopGrace = 45 * time.Second

// Down ends a lab and whatever is left of one whose supervisor was killed, and deletes its folder. Where there is no lab
// it returns ErrNotUp.
func Down(ctx context.Context, dir string) error {
	if err := Stop(ctx, dir); err != nil {
		return err
	}
	if err := (layout{dir}).remove(); err != nil {
		return err
	}
	tidyHome(dir)
	return nil
}

// tidyHome removes the folder that labs have in the user's cache once the last of them is gone. A folder that holds
// anything else stays, since only empty ones can be removed.
func tidyHome(dir string) {
	home, err := homeDir()
	if err != nil || filepath.Dir(dir) != home {
		return // the user's own place
	}
	for _, folder := range []string{home, filepath.Dir(home)} {
		if err := os.Remove(folder); err != nil {
			return
		}
	}
}

// Stop is Down, but keeps the folder, so that the next up goes on where this lab stopped.
func Stop(ctx context.Context, dir string) error {
	files := layout{dir}
	if !files.isLab() {
		return ErrNotUp
	}
	s, err := files.load()
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := s.Supervisor.end(ctx, stopGrace); err != nil {
		return fmt.Errorf("stop the lab's supervisor: %w", err)
	}
	unlock, err := lock(files.lock())
	if err != nil {
		return fmt.Errorf("stop the lab: %w", err)
	}
	defer unlock()
	if err := sweep(ctx, files, slog.New(slog.DiscardHandler)); err != nil {
		return err
	}
	if _, err := os.Stat(files.state()); err != nil {
		return nil // it never got as far as having a state
	}
	s.Phase, s.Children, s.Supervisor = Stopped, nil, Process{}
	return files.store(s)
}
