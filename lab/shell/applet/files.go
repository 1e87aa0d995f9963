package applet

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/shell/confine"
)

func cat(_ context.Context, c *Call) int {
	o, names, fine := c.options("nuv")
	if !fine {
		return failure
	}
	if !o.has("n") {
		return c.each(names, func(_ string, r *bufio.Reader) error {
			_, err := r.WriteTo(c.sink())
			return err
		})
	}
	number := 0
	return c.eachLine(names, func(line string) error {
		number++
		_, err := fmt.Fprintf(c.out, "%6d\t%s\n", number, line)
		return err
	})
}

func tee(_ context.Context, c *Call) int {
	o, names, fine := c.options("ai")
	if !fine {
		return failure
	}
	flag, status := os.O_WRONLY|os.O_CREATE|os.O_TRUNC, ok
	if o.has("a") {
		flag = os.O_WRONLY | os.O_CREATE | os.O_APPEND
	}
	sinks := []io.Writer{c.out}
	for _, name := range names {
		file, err := c.host.Files.OpenFile(c.Dir, name, flag, 0o644)
		if err != nil {
			status = c.fail("%s: %s", name, reason(err))
			continue
		}
		defer file.Close() //nolint:errcheck // a write that is lost was reported by Copy
		sinks = append(sinks, file)
	}
	read := c.each(nil, func(_ string, r *bufio.Reader) error {
		_, err := io.Copy(io.MultiWriter(sinks...), r)
		return err
	})
	return max(read, status)
}

func touch(_ context.Context, c *Call) int {
	o, names, fine := c.options("camd:r:t:", "no-create>c")
	if !fine {
		return failure
	}
	at, status := c.host.Now(), ok
	for _, name := range names {
		if _, err := c.host.Files.Stat(c.Dir, name); errors.Is(err, fs.ErrNotExist) {
			if o.has("c") {
				continue
			}
			file, err := c.host.Files.OpenFile(c.Dir, name, os.O_WRONLY|os.O_CREATE, 0o644)
			if err != nil {
				status = c.fail("%s: %s", name, reason(err))
				continue
			}
			_ = file.Close() // nothing was written to it
		}
		if err := c.host.Files.Chtimes(c.Dir, name, at); err != nil {
			status = c.fail("%s: %s", name, reason(err))
		}
	}
	return status
}

func makeFolder(_ context.Context, c *Call) int {
	o, names, fine := c.options("pm:", "parents>p")
	if !fine || len(names) == 0 {
		return failure
	}
	status := ok
	for _, name := range names {
		err := c.host.Files.Mkdir(c.Dir, name, 0o755)
		if o.has("p") {
			err = c.host.Files.MkdirAll(c.Dir, name, 0o755)
		}
		if err != nil {
			status = c.fail("can't create directory '%s': %s", name, reason(err))
		}
	}
	return status
}

func removeFolder(_ context.Context, c *Call) int {
	status := ok
	for _, name := range c.Args {
		at, err := c.host.Files.Lstat(c.Dir, name)
		if err == nil && !at.IsDir() {
			status = c.fail("'%s': Not a directory", name)
			continue
		}
		if err == nil {
			err = c.host.Files.Remove(c.Dir, name)
		}
		if err != nil {
			status = c.fail("'%s': %s", name, reason(err))
		}
	}
	return status
}

func remove(_ context.Context, c *Call) int {
	o, names, fine := c.options("rRfi")
	if !fine {
		return failure
	}
	status := ok
	for _, name := range names {
		if err := c.remove(name, o.has("r") || o.has("R")); err != nil && (!o.has("f") || !errors.Is(err, fs.ErrNotExist)) {
			status = c.fail("can't remove '%s': %s", name, reason(err))
		}
	}
	return status
}

func (c *Call) remove(name string, all bool) error {
	at, err := c.host.Files.Lstat(c.Dir, name)
	switch {
	case err != nil:
		return err
	case !at.IsDir():
		return c.host.Files.Remove(c.Dir, name)
	case !all:
		return errors.New("is a directory")
	}
	return c.host.Files.RemoveAll(c.Dir, name)
}

// target gives where a source goes: into a folder when the last word is one.
func (c *Call) target(last, source string) string {
	if at, err := c.host.Files.Stat(c.Dir, last); err == nil && at.IsDir() {
		return path.Join(last, path.Base(source))
	}
	return last
}

func move(_ context.Context, c *Call) int {
	_, names, fine := c.options("fin")
	if !fine {
		return failure
	}
	return c.transfer(names, func(from, to string) error {
		return c.host.Files.Rename(c.Dir, from, to)
	})
}

func copyFiles(_ context.Context, c *Call) int {
	o, names, fine := c.options("aRrpfdi", "recursive>r", "archive>a")
	if !fine {
		return failure
	}
	deep := o.has("r") || o.has("R") || o.has("a")
	return c.transfer(names, func(from, to string) error { return c.copy(from, to, deep) })
}

// transfer checks the words of cp and mv and calls do for each source.
func (c *Call) transfer(names []string, do func(from, to string) error) int {
	if len(names) < 2 {
		return c.fail("give SOURCE... and DEST")
	}
	last := names[len(names)-1]
	if len(names) > 2 {
		if at, err := c.host.Files.Stat(c.Dir, last); err != nil || !at.IsDir() {
			return c.fail("target '%s': Not a directory", last)
		}
	}
	status := ok
	for _, from := range names[:len(names)-1] {
		if err := do(from, c.target(last, from)); err != nil {
			status = c.fail("can't %s '%s': %s", map[string]string{"cp": "copy", "mv": "rename"}[c.Name], from, reason(err))
		}
	}
	return status
}

func (c *Call) copy(from, to string, deep bool) error {
	at, err := c.host.Files.Stat(c.Dir, from)
	switch {
	case err != nil:
		return err
	case at.IsDir() && !deep:
		return errors.New("omitting directory")
	case at.IsDir():
		return c.copyFolder(from, to, at)
	}
	if there, err := c.host.Files.Stat(c.Dir, to); err == nil && os.SameFile(at, there) {
		return errors.New("source and destination are the same file")
	}
	source, err := c.host.Files.Open(c.Dir, from)
	if err != nil {
		return err
	}
	defer source.Close() //nolint:errcheck // it was only read
	sink, err := c.host.Files.OpenFile(c.Dir, to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, at.Mode().Perm())
	if err != nil {
		return err
	}
	_, err = io.Copy(sink, source)
	return errors.Join(err, sink.Close())
}

func (c *Call) copyFolder(from, to string, at fs.FileInfo) error {
	if strings.HasPrefix(confine.Abs(c.Dir, to)+"/", confine.Abs(c.Dir, from)+"/") {
		return errors.New("cannot copy a folder into itself")
	}
	if err := c.host.Files.MkdirAll(c.Dir, to, at.Mode().Perm()); err != nil {
		return err
	}
	entries, err := c.host.Files.ReadDir(c.Dir, from)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := c.copy(path.Join(from, entry.Name()), path.Join(to, entry.Name()), true); err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return nil
}

// listing is ls; it prints one name a line, as busybox does when nobody watches.
func listing(_ context.Context, c *Call) int {
	o, names, fine := c.options("1aAdlhtrSRFnpi")
	if !fine {
		return failure
	}
	if len(names) == 0 {
		names = []string{"."}
	}
	var plain []string
	var folders []string
	status := ok
	for _, name := range names {
		at, err := c.host.Files.Stat(c.Dir, name)
		if err != nil && !strings.HasSuffix(name, "/") {
			at, err = c.host.Files.Lstat(c.Dir, name)
		}
		switch {
		case err != nil:
			status = c.fail("%s: %s", name, reason(err))
		case at.IsDir() && !o.has("d"):
			folders = append(folders, name)
		default:
			plain = append(plain, name)
		}
	}
	c.listNames(".", plain, o)
	for i, folder := range folders {
		if len(names) > 1 || o.has("R") {
			if i > 0 || len(plain) > 0 {
				c.print("\n")
			}
			c.print(folder, ":\n")
		}
		status = max(status, c.listFolder(folder, o))
	}
	return status
}

func (c *Call) listFolder(folder string, o options) int {
	entries, err := c.host.Files.ReadDir(c.Dir, folder)
	if err != nil {
		return c.fail("can't open '%s': %s", folder, reason(err))
	}
	var names, below []string
	if o.has("a") {
		names = append(names, ".", "..")
	}
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), ".") && !o.has("a") && !o.has("A") {
			continue
		}
		names = append(names, entry.Name())
		if entry.IsDir() {
			below = append(below, path.Join(folder, entry.Name()))
		}
	}
	c.listNames(folder, names, o)
	status := ok
	if o.has("R") {
		for _, name := range below {
			c.print("\n", name, ":\n")
			status = max(status, c.listFolder(name, o))
		}
	}
	return status
}

func (c *Call) listNames(folder string, names []string, o options) {
	type entry struct {
		name string
		at   fs.FileInfo
	}
	entries := make([]entry, 0, len(names))
	for _, name := range names {
		at, err := c.host.Files.Lstat(c.Dir, path.Join(folder, name))
		if path.IsAbs(name) {
			at, err = c.host.Files.Lstat(c.Dir, name)
		}
		if err == nil { // else it went away meanwhile
			entries = append(entries, entry{name, at})
		}
	}
	slices.SortStableFunc(entries, func(a, b entry) int {
		switch {
		case o.has("t"):
			return b.at.ModTime().Compare(a.at.ModTime())
		case o.has("S"):
			return int(b.at.Size() - a.at.Size())
		}
		return strings.Compare(a.name, b.name)
	})
	if o.has("r") {
		slices.Reverse(entries)
	}
	for _, e := range entries {
		name := e.name
		if e.at.IsDir() && (o.has("F") || o.has("p")) {
			name += "/"
		}
		if o.has("l") {
			name = c.longLine(folder, name, e.at, o.has("h"))
		}
		c.print(name, "\n")
	}
}

func (c *Call) longLine(folder, name string, at fs.FileInfo, human bool) string { //nolint:revive // ls -h
	size := fmt.Sprint(at.Size())
	if human {
		size = binarySize(at.Size())
	}
	mode := strings.Replace(at.Mode().String(), "L", "l", 1)
	if strings.HasPrefix(mode, "Dc") {
		mode = mode[1:]
	}
	if at.Mode()&fs.ModeSymlink != 0 {
		if to, err := c.host.Files.Readlink(c.Dir, path.Join(folder, name)); err == nil {
			name += " -> " + to
		}
	}
	stamp := at.ModTime().Format("Jan _2 15:04")
	if age := c.host.Now().Sub(at.ModTime()); age > 182*24*time.Hour || age < -time.Hour {
		stamp = at.ModTime().Format("Jan _2  2006")
	}
	links, uid, gid := owner(at)
	return fmt.Sprintf("%-10s %4d %-8d %-8d %9s %s %s", mode, links, uid, gid, size, stamp, name)
}

func binarySize(bytes int64) string {
	const units = "KMGTPE"
	if bytes < 1024 {
		return fmt.Sprint(bytes)
	}
	size, unit := float64(bytes)/1024, 0
	for size >= 1024 && unit < len(units)-1 {
		size, unit = size/1024, unit+1
	}
	return fmt.Sprintf("%.1f%c", size, units[unit])
}
