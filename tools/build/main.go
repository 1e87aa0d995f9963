// Command build compiles programs and says all the while what it is doing.
//
// Each argument is FOLDER:PACKAGE=OUTPUT: in the module at FOLDER, build
// PACKAGE to OUTPUT. A cold build of the lab's control plane takes minutes, in
// which a silent terminal would look like a broken one.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// program is one thing to build.
type program struct{ dir, pkg, out string }

func main() {
	from := flag.String("from", ".", "folder that FOLDER and OUTPUT are relative to")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := os.Chdir(*from)
	if err == nil {
		err = buildAll(ctx, flag.Args(), newScreen(os.Stderr))
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func buildAll(ctx context.Context, args []string, s *screen) error {
	programs := make([]program, 0, len(args))
	for _, arg := range args {
		p, err := parse(arg)
		if err != nil {
			return err
		}
		programs = append(programs, p)
	}
	if len(programs) == 0 {
		return errors.New("nothing to build: name at least one FOLDER:PACKAGE=OUTPUT")
	}
	for i, p := range programs {
		if err := build(ctx, p, s.begin(fmt.Sprintf("[%d/%d] %s", i+1, len(programs), p.out))); err != nil {
			return fmt.Errorf("%s: %w", p.out, err)
		}
	}
	return nil
}

func parse(arg string) (program, error) {
	dir, rest, ok := strings.Cut(arg, ":")
	pkg, out, ok2 := strings.Cut(rest, "=")
	if !ok || !ok2 || dir == "" || pkg == "" || out == "" {
		return program{}, fmt.Errorf("argument %q is not FOLDER:PACKAGE=OUTPUT, such as lab:./cmd/furl-lab=bin/furl-lab", arg)
	}
	return program{dir, pkg, out}, nil
}

// build runs one go build; -v names each package as it is compiled. Stripped,
// because the linker then has a third less to write.
func build(ctx context.Context, p program, t *task) error {
	out, err := filepath.Abs(p.out)
	if err != nil {
		return err
	}
	flags := "-s -w"
	if !strings.HasPrefix(p.pkg, ".") {
		release, err := release(ctx, p)
		if err != nil {
			return err
		}
		flags += release
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-ldflags="+flags, "-o", out, p.pkg) //nolint:gosec // the go tool, with packages our Makefile names
	cmd.Dir = p.dir
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	lines, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	words := t.follow(lines)
	if err := cmd.Wait(); err != nil {
		t.fail()
		return fmt.Errorf("%w\n%s", err, words)
	}
	t.done()
	return nil
}

// release are the linker's flags that tell a program of another module which
// version it is, where the programs of Kubernetes look for theirs.
func release(ctx context.Context, p program) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-f", "{{with .Module}}{{.Version}}{{end}}", p.pkg) //nolint:gosec // as in build
	cmd.Dir = p.dir
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the version of %s: %w", p.pkg, err)
	}
	version := strings.TrimSpace(string(out))
	parts := strings.SplitN(strings.TrimPrefix(version, "v"), ".", 3)
	if len(parts) < 3 {
		return "", nil // a program of this module, or of the standard library
	}
	const at = "k8s.io/component-base/version."
	return fmt.Sprintf(" -X %[1]sgitVersion=%[2]s -X %[1]sgitMajor=%[3]s -X %[1]sgitMinor=%[4]s", at, version, parts[0], parts[1]), nil
}
