// Package logs keeps what a container prints, as the kubelet does: a line a file entry, with its instant and stream.
//
// An entry is "2026-01-02T15:04:05.000000000Z stdout F text". P instead of F marks a part of a line whose rest
// comes later, so that a reader sees text before its line ends.
package logs

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

const (
	maxFile  = 10 << 20 // bytes; then the file becomes the older one, and the one before is dropped: the kubelet's size
	maxEntry = 16 << 10 // bytes of text; longer lines are cut in parts, as container runtimes do
	stamp    = "2006-01-02T15:04:05.000000000Z07:00"
	older    = ".old"
)

// Log is the log of one run of a container. It is safe for concurrent use.
type Log struct {
	path  string
	clock func() time.Time

	mu      sync.Mutex // guards all below
	file    *os.File
	size    int64
	turned  int // how often the file was replaced
	changed chan struct{}
	closed  bool
}

// Create begins a log at path; its folder is made.
func Create(path string, clock func() time.Time) (*Log, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, fmt.Errorf("making the log's folder: %w", err)
	}
	l := &Log{path: path, clock: clock, changed: make(chan struct{})}
	if err := l.open(); err != nil {
		return nil, err
	}
	return l, nil
}

// open needs mu, or nobody else who knows the log.
func (l *Log) open() error {
	f, err := os.OpenFile(l.path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("opening the log: %w", err)
	}
	l.file, l.size = f, 0
	return nil
}

// Stream gives a writer for what the container prints on "stdout" or "stderr". It never blocks on a reader.
func (l *Log) Stream(name string) io.Writer { return stream{l, name} }

type stream struct {
	log  *Log
	name string
}

func (s stream) Write(p []byte) (int, error) {
	l := s.log
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return len(p), nil
	}
	var entries bytes.Buffer
	at := l.clock().UTC().Format(stamp)
	for rest := p; len(rest) > 0; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 || end > maxEntry {
			part := rest[:min(len(rest), maxEntry)]
			_, _ = fmt.Fprintf(&entries, "%s %s P %s\n", at, s.name, part)
			rest = rest[len(part):]
			continue
		}
		_, _ = fmt.Fprintf(&entries, "%s %s F %s\n", at, s.name, rest[:end])
		rest = rest[end+1:]
	}
	if err := l.append(entries.Bytes()); err != nil {
		return 0, err
	}
	return len(p), nil
}

// append needs mu.
func (l *Log) append(b []byte) error {
	if l.size > 0 && l.size+int64(len(b)) > maxFile {
		if err := l.turn(); err != nil {
			return err
		}
	}
	n, err := l.file.Write(b)
	l.size += int64(n)
	close(l.changed)
	l.changed = make(chan struct{})
	if err != nil {
		return fmt.Errorf("writing the log: %w", err)
	}
	return nil
}

// turn begins a new file and keeps the full one. It needs mu.
func (l *Log) turn() error {
	_ = l.file.Close()
	if err := os.Rename(l.path, l.path+older); err != nil {
		return fmt.Errorf("turning the log over: %w", err)
	}
	l.turned++
	return l.open()
}

// Close ends the log: who follows it comes to the end.
func (l *Log) Close() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.closed = true
	_ = l.file.Close()
	close(l.changed)
}

// Remove deletes the log's files.
func (l *Log) Remove() error {
	l.Close()
	var errs []error
	for _, path := range []string{l.path, l.path + older} {
		if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// state is what a reader needs to go on: how often the file was replaced, whether more can come, and what tells so.
func (l *Log) state() (turned int, closed bool, changed <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.turned, l.closed, l.changed
}
