// Package logfile is a log on disk that never holds more than its two last files.
package logfile

import (
	"fmt"
	"os"
	"sync"
)

const (
	// most is how large a file grows, in bytes, before it becomes the older one: hours of a busy control plane.
	most = 8 << 20
	// Older is what the name of the file before the current one ends in.
	Older = ".old"
)

// File is a log file. It is safe for concurrent use.
type File struct {
	path string
	most int64

	mu   sync.Mutex // guards all below
	file *os.File
	size int64
}

// Open goes on with the log at path, or begins it.
func Open(path string) (*File, error) { return open(path, most) }

func open(path string, most int64) (*File, error) {
	f := &File{path: path, most: most}
	if err := f.begin(); err != nil {
		return nil, err
	}
	return f, nil
}

// begin needs mu, or nobody else who knows the file.
func (f *File) begin() error {
	file, err := os.OpenFile(f.path, os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("open the log: %w", err)
	}
	at, err := file.Stat()
	if err != nil {
		_ = file.Close()
		return fmt.Errorf("look at the log: %w", err)
	}
	f.file, f.size = file, at.Size()
	return nil
}

// Write appends p, which is never divided between two files. A log that cannot be turned over goes on growing: what it
// says counts for more than its size.
func (f *File) Write(p []byte) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.size > 0 && f.size+int64(len(p)) > f.most {
		f.turn()
	}
	n, err := f.file.Write(p)
	f.size += int64(n)
	if err != nil {
		return n, fmt.Errorf("write the log: %w", err)
	}
	return n, nil
}

// turn needs mu.
func (f *File) turn() {
	full := f.file
	if err := os.Rename(f.path, f.path+Older); err != nil {
		return
	}
	if err := f.begin(); err == nil {
		_ = full.Close() // all of it has been written
	}
}

// Close ends the log.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if err := f.file.Close(); err != nil {
		return fmt.Errorf("close the log: %w", err)
	}
	return nil
}
