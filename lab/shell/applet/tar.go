package applet

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"

	"github.com/furl-dev/furl/lab/shell/confine"
)

// tape packs files into an archive (c), unpacks one (x) or lists it (t). kubectl cp needs it in the pod.
func tape(ctx context.Context, c *Call) int {
	if len(c.Args) > 0 && !strings.HasPrefix(c.Args[0], "-") {
		c.Args = append([]string{"-" + c.Args[0]}, c.Args[1:]...) // the old way to write it: tar cf - FILE
	}
	o, names, fine := c.options("cxtzvmpof:C:", "file=>f", "directory=>C", "gzip>z", "no-same-permissions", "no-same-owner")
	if !fine {
		return failure
	}
	a := archive{call: c, dir: c.Dir, loud: o.has("v"), gzip: o.has("z"), names: names}
	if to, given := o.last("C"); given {
		a.dir = confine.Abs(c.Dir, to)
	}
	file, given := o.last("f")
	if !given {
		file = "-"
	}
	var err error
	switch {
	case o.has("c"):
		err = a.create(ctx, file)
	case o.has("x"), o.has("t"):
		a.list = o.has("t")
		err = a.read(ctx, file)
	default:
		return c.fail("give one of -c, -x and -t")
	}
	if at, named := errors.AsType[*fs.PathError](err); named {
		return c.fail("%s: %s", at.Path, reason(err))
	}
	if err != nil {
		return c.fail("%s", reason(err))
	}
	return ok
}

// archive is one run of tar.
type archive struct {
	call             *Call
	dir              string // where names begin
	names            []string
	loud, gzip, list bool
}

func (a *archive) create(ctx context.Context, file string) (err error) {
	sink := a.call.sink()
	if file != "-" {
		f, err := a.call.host.Files.OpenFile(a.call.Dir, file, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, f.Close()) }()
		sink = f
	}
	if a.gzip {
		z := gzip.NewWriter(sink)
		defer func() { err = errors.Join(err, z.Close()) }()
		sink = z
	}
	w := tar.NewWriter(sink)
	for _, name := range a.names {
		if err := a.add(ctx, w, path.Clean(name)); err != nil {
			return err
		}
	}
	return w.Close()
}

// add packs a file, or a folder with all that is in it. What is neither is left out: a link may lead anywhere where the
// archive is unpacked.
func (a *archive) add(ctx context.Context, w *tar.Writer, name string) error {
	files := a.call.host.Files
	at, err := files.Lstat(a.dir, name)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return err
	case !at.IsDir() && !at.Mode().IsRegular():
		fmt.Fprintf(a.call.Stderr, "tar: %s: not a file or folder, left out\n", name)
		return nil
	}
	head := &tar.Header{
		Name: strings.TrimPrefix(name, "/"), Mode: int64(at.Mode().Perm()), ModTime: at.ModTime(),
		Typeflag: tar.TypeReg, Size: at.Size(),
	}
	if at.IsDir() {
		head.Name, head.Typeflag, head.Size = strings.TrimPrefix(name+"/", "/"), tar.TypeDir, 0
	}
	if head.Name == "" { // the root
		head.Name = "./"
	}
	if a.loud {
		fmt.Fprintln(a.call.Stderr, head.Name)
	}
	if err := w.WriteHeader(head); err != nil {
		return err
	}
	if !at.IsDir() {
		return a.copyIn(w, name, at.Size())
	}
	entries, err := files.ReadDir(a.dir, name)
	if err != nil {
		return err
	}
	for _, e := range entries {
		if err := a.add(ctx, w, path.Join(name, e.Name())); err != nil {
			return err
		}
	}
	return nil
}

// copyIn copies as much of a file as its header says: it may have grown since.
func (a *archive) copyIn(w io.Writer, name string, size int64) error {
	f, err := a.call.host.Files.Open(a.dir, name)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	_, err = io.CopyN(w, f, size)
	return err
}

func (a *archive) read(ctx context.Context, file string) error {
	in, err := a.call.open(file)
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // it was only read
	var from io.Reader = in
	if a.gzip {
		if from, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	for r := tar.NewReader(from); ctx.Err() == nil; {
		head, err := r.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err == nil {
			err = a.take(head, r)
		}
		if err != nil {
			return err
		}
	}
	return ctx.Err()
}

// take lists or unpacks one entry. The folder of the pod is the limit, whatever its name says.
func (a *archive) take(head *tar.Header, r io.Reader) error {
	name := strings.TrimPrefix(head.Name, "/")
	if a.list {
		a.call.print(head.Name, "\n")
		return nil
	}
	if a.loud {
		a.call.print(head.Name, "\n")
	}
	files, perm := a.call.host.Files, fs.FileMode(head.Mode)&fs.ModePerm //nolint:gosec // nine bits of it are kept
	switch head.Typeflag {
	case tar.TypeDir:
		return files.MkdirAll(a.dir, name, perm|0o700)
	case tar.TypeReg:
	default:
		fmt.Fprintf(a.call.Stderr, "tar: %s: not a file or folder, left out\n", head.Name)
		return nil
	}
	if err := files.MkdirAll(a.dir, path.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := files.OpenFile(a.dir, name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, r) // as large as the one who unpacks it sent it
	return errors.Join(err, f.Close())
}
