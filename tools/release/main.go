// Command release packs built programs for others: container images without a
// container engine, archives, the chart, the manifests and their checksums.
//
//	release -root ../.. -version v1.2.3 images   what a cluster pulls
//	release -root ../.. -version v1.2.3 all      that, and what a page of downloads holds
//
// It reads the programs that tools/build made, one folder a platform. From equal
// programs it writes equal bytes: times are zero and orders are fixed.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
)

// order is what was asked for.
type order struct {
	root     string // folder of the repository
	built    string // folder of the built programs, one a platform
	out      string
	version  string // with its v
	revision string // the commit, empty where there is no git
	registry string // before the names of the images; empty: their own
	push     bool
	screen   io.Writer
}

func main() {
	o := order{screen: os.Stderr}
	flag.StringVar(&o.root, "root", ".", "folder of the repository")
	flag.StringVar(&o.built, "built", "dist/build", "folder of the built programs, one a platform, below root")
	flag.StringVar(&o.out, "out", "dist", "folder to write to, below root")
	flag.StringVar(&o.version, "version", "", "version, such as v1.2.3")
	flag.StringVar(&o.revision, "revision", "", "commit that the programs were built from")
	flag.StringVar(&o.registry, "registry", "", "registry and path that the images' names begin with, such as registry.example.com/team")
	flag.BoolVar(&o.push, "push", false, "push the images to -registry, with the credentials of docker login")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := o.run(ctx, flag.Args())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func (o order) run(ctx context.Context, args []string) error {
	if !strings.HasPrefix(o.version, "v") {
		return fmt.Errorf("-version is %q: write it as v1.2.3", o.version)
	}
	if o.push && o.registry == "" {
		return errors.New("-push needs -registry, such as registry.example.com/team")
	}
	if strings.Contains(o.registry, "://") {
		return fmt.Errorf("-registry is %q: leave the scheme out, as in registry.example.com/team", o.registry)
	}
	for _, path := range []*string{&o.built, &o.out} {
		if !filepath.IsAbs(*path) {
			*path = filepath.Join(o.root, *path)
		}
	}
	switch strings.Join(args, " ") {
	case "images":
		_, err := o.images(ctx)
		return err
	case "all":
		return o.all(ctx)
	case "chart":
		_, err := o.chart()
		return err
	}
	return fmt.Errorf("%q is nothing to make: want images, chart or all", strings.Join(args, " "))
}

// number is the version as tags, charts and file names have it.
func (o order) number() string { return strings.TrimPrefix(o.version, "v") }

// platform is one that programs were built for.
type platform struct{ os, arch string }

func (p platform) String() string { return p.os + "_" + p.arch }

// program is the path of a program built for p.
func (o order) program(p platform, name string) string {
	if p.os == "windows" {
		name += ".exe"
	}
	return filepath.Join(o.built, p.String(), name)
}

// platforms are those that a program was built for.
func (o order) platforms(name string) ([]platform, error) {
	folders, err := os.ReadDir(o.built)
	if err != nil {
		return nil, fmt.Errorf("built programs: %w; make image and make release build them first", err)
	}
	var found []platform
	for _, f := range folders {
		system, arch, ok := strings.Cut(f.Name(), "_")
		p := platform{system, arch}
		if _, err := os.Stat(o.program(p, name)); ok && err == nil {
			found = append(found, p)
		}
	}
	if len(found) == 0 {
		return nil, fmt.Errorf("%s was built for no platform: %s has no folder such as linux_amd64 with it", name, o.built)
	}
	return found, nil
}

// all is everything of a release, in one folder, with checksums.
func (o order) all(ctx context.Context) error {
	dir := filepath.Join(o.out, "release")
	if err := os.RemoveAll(dir); err != nil {
		return err
	}
	images, err := o.images(ctx)
	if err != nil {
		return err
	}
	o.out = dir
	for _, f := range images {
		if err := o.copy(f); err != nil {
			return err
		}
	}
	archives, err := o.archives()
	if err != nil {
		return err
	}
	if _, err := o.chart(); err != nil {
		return err
	}
	if err := o.manifests(ctx); err != nil {
		return err
	}
	if err := o.krew(archives); err != nil {
		return err
	}
	return o.sums()
}

// copy puts a file into the release under its own name.
func (o order) copy(from string) error {
	in, err := os.Open(from) //nolint:gosec // an image that was just written
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	return o.write(filepath.Base(from), func(w io.Writer) error {
		_, err := io.Copy(w, in)
		return err
	})
}

// write makes a file of the output, and says so with its size.
func (o order) write(name string, fill func(io.Writer) error) error {
	path := filepath.Join(o.out, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil { //nolint:gosec // for others to read
		return err
	}
	f, err := os.Create(path) //nolint:gosec // below the folder that was asked for
	if err != nil {
		return err
	}
	if err := errors.Join(fill(f), f.Chmod(0o644), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return o.tell(path)
}

func (o order) tell(path string) error {
	s, err := os.Stat(path)
	if err != nil {
		return err
	}
	fmt.Fprintf(o.screen, "%8.1f MB  %s\n", float64(s.Size())/1e6, o.short(path))
	return nil
}

// short is a path as a reader of the repository would say it.
func (o order) short(path string) string {
	if rel, err := filepath.Rel(o.root, path); err == nil && !strings.HasPrefix(rel, "..") {
		return rel
	}
	return path
}

// architectures are those of linux among the platforms: images have no others.
func architectures(all []platform) []platform {
	return slices.DeleteFunc(slices.Clone(all), func(p platform) bool { return p.os != "linux" })
}
