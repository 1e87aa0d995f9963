// Command run replays the conformance records of a folder: those of the HPA
// controller, those of KEDA, or both.
package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/signal"
	"slices"

	"github.com/furl-dev/furl/conformance"
	"github.com/furl-dev/furl/conformance/keda"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	dirs := args
	switch len(args) {
	case 0:
		dirs = []string{"conformance/testdata/hpa", "conformance/testdata/keda"}
	case 1:
	default:
		fmt.Fprintln(os.Stderr, "usage: go run ./conformance/run [FOLDER]")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) //nolint:forbidigo // the program's root
	defer stop()
	code := 0
	for _, dir := range dirs {
		failed, err := replay(ctx, os.DirFS(dir))
		if err != nil {
			fmt.Fprintf(os.Stderr, "%s: %v\n", dir, err)
		}
		if err != nil || failed > 0 {
			code = 1
		}
	}
	return code
}

// replay replays the files of a folder, of whichever kind they are, and counts
// the records that failed.
func replay(ctx context.Context, dir fs.FS) (failed int, err error) {
	isHPA, isKeda := hasAny(dir, conformance.Files()), hasAny(dir, keda.Files())
	if !isHPA && !isKeda {
		return 0, fmt.Errorf("records: none of %v is there", slices.Concat(conformance.Files(), keda.Files()))
	}
	if isHPA {
		r, err := conformance.Run(ctx, dir, conformance.Options{})
		if err = errors.Join(err, r.Write(os.Stdout)); err != nil {
			return failed, err
		}
		_, failed, _ = r.Count()
	}
	if isKeda {
		r, err := keda.Run(ctx, dir, keda.Options{})
		if err = errors.Join(err, r.Write(os.Stdout)); err != nil {
			return failed, err
		}
		failed += r.Count().Failed
	}
	return failed, nil
}

func hasAny(dir fs.FS, names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		_, err := fs.Stat(dir, name)
		return err == nil
	})
}
