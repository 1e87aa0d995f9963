package main

import (
	"archive/tar"
	"bytes"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// file is one of an archive; a name that ends in a slash is a folder's.
type file struct {
	name string
	mode int64
	open func() (io.ReadCloser, int64, error)
}

func text(name string, mode int64, content []byte) file {
	return file{name, mode, func() (io.ReadCloser, int64, error) {
		return io.NopCloser(bytes.NewReader(content)), int64(len(content)), nil
	}}
}

func folder(name string, mode int64) file { return file{name: name, mode: mode} }

func onDisk(name, path string, mode int64) file {
	return file{name, mode, func() (io.ReadCloser, int64, error) {
		f, err := os.Open(path) //nolint:gosec // what was built, or the repository's own
		if err != nil {
			return nil, 0, err
		}
		s, err := f.Stat()
		if err != nil {
			f.Close() //nolint:errcheck,gosec // only read
			return nil, 0, err
		}
		return f, s.Size(), nil
	}}
}

// below lists the files of a folder by name, with prefix before each.
func below(dir, prefix string) ([]file, error) {
	var all []file
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		all = append(all, onDisk(prefix+filepath.ToSlash(rel), path, 0o644))
		return err
	})
	slices.SortFunc(all, func(a, b file) int { return strings.Compare(a.name, b.name) })
	return all, err
}

// epoch is the time of everything that is packed.
func epoch() time.Time { return time.Unix(0, 0).UTC() }

// writeTar writes the files in their order, as root's and of no time.
func writeTar(w io.Writer, files []file) error {
	t := tar.NewWriter(w)
	for _, f := range files {
		if err := add(t, f); err != nil {
			return err
		}
	}
	return t.Close()
}

func add(t *tar.Writer, f file) error {
	h := &tar.Header{Name: f.name, Mode: f.mode, ModTime: epoch(), Typeflag: tar.TypeReg, Format: tar.FormatUSTAR}
	if f.open == nil {
		h.Typeflag = tar.TypeDir
		return t.WriteHeader(h)
	}
	r, size, err := f.open()
	if err != nil {
		return err
	}
	defer r.Close() //nolint:errcheck // only read
	h.Size = size
	if err := t.WriteHeader(h); err != nil {
		return err
	}
	_, err = io.Copy(t, r)
	return err
}
