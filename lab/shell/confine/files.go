// Package confine is all of the host that a pod's shell can reach: one folder, four devices and the loopback network.
//
// Nothing else in the shell opens a file or dials an address, so what is not in here is out of reach.
package confine

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"
)

// Files shows one folder as if it were the whole file system: "/" is the folder, and neither ".." nor a symbolic link
// leads out of it. Names are slash-separated; a relative one starts at the dir argument, itself a name of that kind.
type Files struct {
	root *os.Root
}

// OpenFiles confines a file system to a folder of the host. Close it after use.
func OpenFiles(folder string) (*Files, error) {
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("folder of the pod: %w", err)
	}
	return &Files{root: root}, nil
}

// Close lets go of the folder.
func (f *Files) Close() error { return f.root.Close() }

// Abs gives the clean absolute name of a name seen from dir. What ".." would lead above "/" stays at "/".
func Abs(dir, name string) string {
	if !path.IsAbs(name) {
		name = path.Join("/", dir, name)
	}
	return path.Clean("/" + name)
}

// inside gives the name below the folder, as os.Root wants it.
func inside(dir, name string) string {
	rel := strings.TrimPrefix(Abs(dir, name), "/")
	if rel == "" {
		return "."
	}
	return rel
}

// device says whether a name is one of the devices that hold nothing of the host.
func device(name string) bool {
	switch name {
	case "/dev/null", "/dev/zero", "/dev/random", "/dev/urandom":
		return true
	}
	return false
}

// Open opens a file for reading.
func (f *Files) Open(dir, name string) (*os.File, error) {
	return f.OpenFile(dir, name, os.O_RDONLY, 0)
}

// OpenFile is as os.OpenFile; a new file gets the mode perm.
func (f *Files) OpenFile(dir, name string, flag int, perm fs.FileMode) (*os.File, error) {
	if name == "" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	if abs := Abs(dir, name); device(abs) {
		return os.OpenFile(abs, flag&^(os.O_CREATE|os.O_TRUNC|os.O_EXCL), 0) //nolint:gosec // it is one of four
	}
	file, err := f.root.OpenFile(inside(dir, name), flag, perm)
	return file, named(err, name)
}

// Stat follows symbolic links; Lstat does not.
func (f *Files) Stat(dir, name string) (fs.FileInfo, error) {
	if abs := Abs(dir, name); device(abs) {
		return os.Stat(abs)
	}
	at, err := f.root.Stat(inside(dir, name))
	return at, named(err, name)
}

// Lstat describes a symbolic link itself.
func (f *Files) Lstat(dir, name string) (fs.FileInfo, error) {
	if abs := Abs(dir, name); device(abs) {
		return os.Lstat(abs)
	}
	at, err := f.root.Lstat(inside(dir, name))
	return at, named(err, name)
}

// ReadDir lists a folder by name.
func (f *Files) ReadDir(dir, name string) ([]fs.DirEntry, error) {
	entries, err := fs.ReadDir(f.root.FS(), inside(dir, name))
	return entries, named(err, name)
}

// Readlink gives what a symbolic link says, wherever it points.
func (f *Files) Readlink(dir, name string) (string, error) {
	target, err := f.root.Readlink(inside(dir, name))
	return target, named(err, name)
}

// Mkdir makes one folder.
func (f *Files) Mkdir(dir, name string, perm fs.FileMode) error {
	return named(f.root.Mkdir(inside(dir, name), perm), name)
}

// MkdirAll makes a folder and those above it.
func (f *Files) MkdirAll(dir, name string, perm fs.FileMode) error {
	return named(f.root.MkdirAll(inside(dir, name), perm), name)
}

// Remove takes away a file or an empty folder.
func (f *Files) Remove(dir, name string) error {
	return named(f.root.Remove(inside(dir, name)), name)
}

// RemoveAll takes away a folder with all that is in it; the folder of the pod itself stays.
func (f *Files) RemoveAll(dir, name string) error {
	rel := inside(dir, name)
	if rel == "." {
		return &fs.PathError{Op: "remove", Path: name, Err: fs.ErrPermission}
	}
	return named(f.root.RemoveAll(rel), name)
}

// Rename moves a file or folder within the folder of the pod.
func (f *Files) Rename(dir, from, to string) error {
	return named(f.root.Rename(inside(dir, from), inside(dir, to)), from)
}

// Chtimes sets when a file was last read and changed.
func (f *Files) Chtimes(dir, name string, at time.Time) error {
	return named(f.root.Chtimes(inside(dir, name), at, at), name)
}

// named puts the name that the user wrote into an error, instead of the one below the folder.
func named(err error, name string) error {
	switch e := err.(type) { //nolint:errorlint // the file system's own errors are never wrapped here
	case nil:
		return nil
	case *fs.PathError:
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	case *os.LinkError:
		return &fs.PathError{Op: e.Op, Path: name, Err: e.Err}
	}
	return err
}
