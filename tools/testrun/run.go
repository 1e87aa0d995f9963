package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"
)

// run tests every module and reports whether all is well.
func run(ctx context.Context, o options, w io.Writer) (bool, error) {
	dirs, err := modules(o.root)
	if err != nil {
		return false, err
	}
	began := time.Now()
	rep := &report{w: w, began: began}
	for _, dir := range dirs {
		if err := testModule(ctx, o, dir, rep); err != nil {
			rep.broken(dir, err)
		}
		if ctx.Err() != nil {
			rep.broken(dir, errors.New("interrupted"))
			break
		}
	}
	rep.end()
	return rep.total.failed == 0 && rep.total.passed > 0 && (!o.noSkips || rep.total.skipped == 0), nil
}

// testModule runs one module's tests. Its error is about what the events cannot say.
func testModule(ctx context.Context, o options, dir string, rep *report) error {
	packages, err := selectPackages(ctx, o, dir, rep)
	if err != nil || len(packages) == 0 {
		return err
	}
	args := testArgs(o)
	if o.run != "" {
		args = append(args, "-run", o.run)
	}
	if listed(o, o.serial, dir) {
		// -p 1 would compile one package at a time too; so all is built before.
		build := []string{"build"}
		if o.race {
			build = append(build, "-race")
		}
		_ = goTool(ctx, dir, append(build, packages...)...).Run() // what does not build is reported by go test
		args = append(args, "-p", "1")
	}
	m := rep.module(dir)
	defer m.end()
	if err := stream(ctx, goTool(ctx, dir, append(args, packages...)...), o.every, m); err != nil {
		return err
	}
	if !listed(o, o.again, dir) || ctx.Err() != nil {
		return nil
	}
	return again(ctx, o, dir, m)
}

func testArgs(o options) []string {
	args := []string{"test", "-json", "-timeout", o.timeout.String()}
	if o.race {
		args = append(args, "-race")
	}
	return args
}

// listed says whether a module is one of those that a flag lists.
func listed(o options, flag, dir string) bool {
	rel, err := filepath.Rel(o.root, dir)
	return err == nil && slices.Contains(strings.Split(flag, ","), rel)
}

// stream runs a `go test -json` and feeds its events to m as they come.
func stream(ctx context.Context, cmd *exec.Cmd, every time.Duration, m *moduleReport) error {
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	finished := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		m.watch(finished, every)
	}()
	readErr := m.read(out)
	err = cmd.Wait()
	close(finished)
	<-watched
	if readErr != nil {
		return fmt.Errorf("events of go test: %w", readErr)
	}
	if failed := m.count().failed; err != nil && failed == 0 && ctx.Err() == nil {
		return fmt.Errorf("go test: %w\n%s%s", err, stderr.String(), m.loose())
	}
	return nil // failing tests, and an interrupt, are told by others
}

// selectPackages lists what to test: everything, or with -race all but what links the heavy import.
func selectPackages(ctx context.Context, o options, dir string, rep *report) ([]string, error) {
	if !o.race || o.heavy == "" {
		return []string{"./..."}, nil
	}
	list := goTool(ctx, dir, "list", "-test", "-f", `{{.ImportPath}}{{"\t"}}{{.ForTest}}{{"\t"}}{{join .Deps " "}}`, "./...")
	var stderr bytes.Buffer
	list.Stderr = &stderr
	out, err := list.Output()
	if err != nil {
		return nil, fmt.Errorf("list packages: %w\n%s", err, stderr.String())
	}
	light, heavy := split(string(out), strings.Split(o.heavy, ","))
	if len(heavy) > 0 {
		rep.note("%s: not tested with the race detector, since they link %s: %s", dir, o.heavy, strings.Join(heavy, " "))
	}
	return light, nil
}

// split sorts the packages of a listing by whether they or their tests link a heavy import.
func split(listing string, prefixes []string) (light, heavy []string) {
	links := map[string]bool{}
	for line := range strings.Lines(listing) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		path, _, _ := strings.Cut(f[0], " ") // "p [p.test]" is p as its test sees it
		path = strings.TrimSuffix(strings.TrimSuffix(path, ".test"), "_test")
		links[path] = links[path] || slices.ContainsFunc(strings.Fields(f[2]), func(dep string) bool {
			return slices.ContainsFunc(prefixes, func(p string) bool { return dep == p || strings.HasPrefix(dep, p+"/") })
		})
	}
	for path, is := range links {
		if is {
			heavy = append(heavy, path)
		} else {
			light = append(light, path)
		}
	}
	slices.Sort(light)
	slices.Sort(heavy)
	return light, heavy
}

// goTool is a go command in dir that is interrupted, not killed, when ctx ends, so that tests clean up.
func goTool(ctx context.Context, dir string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "go", args...) //nolint:gosec // the go tool, with our own arguments
	cmd.Dir = dir
	cmd.Env = os.Environ()
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 30 * time.Second
	return cmd
}
