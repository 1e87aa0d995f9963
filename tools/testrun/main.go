// Command testrun runs the tests of every module below a folder and says in
// one line how they went.
//
// It shows each package as it ends, the output of failing tests in full, the
// reason of every skip and the slow packages, and names again at the end what
// failed; its exit code is 1 when a test failed, when nothing ran, or, with -no-skips, when a test was skipped.
package main

import (
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	root    string
	race    bool
	noSkips bool
	serial  string        // modules whose packages run one after the other, comma separated
	again   string        // modules whose failing tests run once more, comma separated
	heavy   string        // import paths, comma separated; a package that links one is left out of -race
	timeout time.Duration // of one package
	run     string        // as go test's
	every   time.Duration // between two lines about what still runs
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "folder whose modules are tested")
	flag.BoolVar(&o.race, "race", false, "build with the race detector")
	flag.BoolVar(&o.noSkips, "no-skips", false, "a skipped test fails the run")
	flag.StringVar(&o.serial, "serial", "", "modules whose packages run one at a time, comma separated, such as lab")
	flag.StringVar(&o.again, "again", "", "modules whose failing tests run once more, alone, comma separated; what then passes is named as flaky")
	flag.StringVar(&o.heavy, "race-without", "", "import paths, comma separated; packages that link one are not tested with -race")
	flag.DurationVar(&o.timeout, "timeout", 20*time.Minute, "limit for the tests of one package")
	flag.StringVar(&o.run, "run", "", "only tests that match, as go test's")
	flag.DurationVar(&o.every, "progress", 30*time.Second, "how often to name the packages that still run")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	ok, err := run(ctx, o, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "testrun:", err)
	}
	if err != nil || !ok {
		stop()
		os.Exit(1)
	}
}

// modules returns the folders below root that hold a go.mod, the root first.
func modules(root string) ([]string, error) {
	var found []string
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "testdata" || name == "node_modules") {
			return filepath.SkipDir
		}
		if name == "go.mod" && !d.IsDir() {
			found = append(found, filepath.Dir(path))
		}
		return nil
	})
	if err == nil && len(found) == 0 {
		err = fmt.Errorf("no go.mod at or below %q: start it in the repository, or set -root", root)
	}
	return found, err
}
