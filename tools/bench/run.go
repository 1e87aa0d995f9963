package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// run measures package after package: two at once would measure each other.
func run(ctx context.Context, o options, w io.Writer) error {
	groups, err := find(o.root)
	if err != nil {
		return err
	}
	began, before, shown := time.Now(), load(), 0
	cpu := ""
	var failed []error
	for i := range groups {
		g := &groups[i]
		out, err := goTest(ctx, o, g.folder)
		if ctx.Err() != nil {
			return errors.New("interrupted")
		}
		if err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", g.folder, err))
		}
		if _, model, ok := strings.Cut(out, "\ncpu: "); ok {
			model, _, _ = strings.Cut(model, "\n")
			cpu = " (" + model + ")"
		}
		figures := parse(out)
		shown += len(figures)
		if err := show(w, g, figures); err != nil {
			return err
		}
	}
	if shown == 0 && len(failed) == 0 {
		return fmt.Errorf("no benchmark matches %q", o.bench)
	}
	_, err = fmt.Fprintf(w, "%s/%s, %d CPUs%s, %s; load average %s before, %s after; %s, in %s; each the median of %d, least and most in brackets\n",
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), cpu, runtime.Version(), before, load(),
		began.UTC().Format("2006-01-02 15:04 MST"), time.Since(began).Round(time.Second), o.count)
	return errors.Join(append(failed, err)...)
}

// goTest runs the benchmarks of one package and returns what they print.
func goTest(ctx context.Context, o options, folder string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", o.bench, "-benchmem", //nolint:gosec // the go tool, with the flags of who runs this
		"-benchtime", o.time, "-count", strconv.Itoa(o.count), "./"+folder)
	cmd.Dir = o.root
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGINT) }
	cmd.WaitDelay = 10 * time.Second
	var out, problems bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &problems
	if err := cmd.Run(); err != nil {
		return out.String(), fmt.Errorf("go test: %w\n%s%s", err, out.String(), problems.String())
	}
	return out.String(), nil
}

// load is the load average of the last minute, where the system tells.
func load() string {
	b, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(b), " ")
	return one
}
