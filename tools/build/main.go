// Command build compiles programs and says all the while what it is doing.
//
// Each argument is FOLDER:PACKAGE=OUTPUT: in the module at FOLDER, build
// PACKAGE to OUTPUT. A cold build of the lab's control plane takes minutes, in
// which a silent terminal would look like a broken one.
//
// With -version it builds what is given to others: the same bytes from the same
// commit on any machine, for each of -platforms; {platform} in OUTPUT stands for
// it, as in linux_arm64.
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
type program struct {
	dir, pkg, out string
	release       *release // nil: for this machine
}

func main() {
	from := flag.String("from", ".", "folder that FOLDER and OUTPUT are relative to")
	version := flag.String("version", "", "build a release of this version, such as v1.2.3, instead of programs for this machine")
	platforms := flag.String("platforms", "linux/amd64", "what a release is built for, comma separated")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := os.Chdir(*from)
	if err == nil {
		err = run(ctx, *version, *platforms, flag.Args())
	}
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "build:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, version, platforms string, args []string) error {
	programs, err := parseAll(args)
	if err == nil && version != "" {
		programs, err = forPlatforms(programs, version, platforms)
	}
	if err != nil {
		return err
	}
	return buildAll(ctx, programs, newScreen(os.Stderr))
}

func parseAll(args []string) ([]program, error) {
	programs := make([]program, 0, len(args))
	for _, arg := range args {
		p, err := parse(arg)
		if err != nil {
			return nil, err
		}
		programs = append(programs, p)
	}
	if len(programs) == 0 {
		return nil, errors.New("nothing to build: name at least one FOLDER:PACKAGE=OUTPUT")
	}
	return programs, nil
}

func buildAll(ctx context.Context, programs []program, s *screen) error {
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
	return program{dir: dir, pkg: pkg, out: out}, nil
}

// build runs one go build; -v names each package as it is compiled. Stripped,
// because the linker then has a third less to write.
func build(ctx context.Context, p program, t *task) error {
	out, err := filepath.Abs(p.out)
	if err != nil {
		return err
	}
	flags, err := p.flags(ctx)
	if err != nil {
		return err
	}
	args := append([]string{"build", "-v", "-o", out}, flags...)
	cmd := exec.CommandContext(ctx, "go", append(args, p.pkg)...) //nolint:gosec // the go tool, with packages our Makefile names
	cmd.Dir, cmd.Env = p.dir, os.Environ()
	if p.release != nil {
		cmd.Env = append(cmd.Env, p.release.env()...)
	}
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

func (p program) flags(ctx context.Context) ([]string, error) {
	if p.release != nil {
		return p.release.flags(), nil
	}
	flags := "-ldflags=-s -w"
	if strings.HasPrefix(p.pkg, ".") {
		return []string{flags}, nil
	}
	theirs, err := versionOf(ctx, p)
	return []string{flags + theirs}, err
}

// versionOf are the linker's flags that tell a program of another module which
// version it is, where the programs of Kubernetes look for theirs.
func versionOf(ctx context.Context, p program) (string, error) {
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
