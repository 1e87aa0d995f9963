// Command run replays the conformance records of a folder.
package main

import (
	"context"
	"fmt"
	"os"
	"os/signal"

	"github.com/furl-dev/furl/conformance"
)

func main() { os.Exit(run(os.Args[1:])) }

func run(args []string) int {
	dir := "conformance/testdata/hpa"
	switch len(args) {
	case 0:
	case 1:
		dir = args[0]
	default:
		fmt.Fprintln(os.Stderr, "usage: go run ./conformance/run [FOLDER]")
		return 2
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt) //nolint:forbidigo // the program's root
	defer stop()
	r, err := conformance.Run(ctx, os.DirFS(dir), conformance.Options{})
	if err == nil {
		err = r.Write(os.Stdout)
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s: %v\n", dir, err)
		return 1
	}
	if _, failed, _ := r.Count(); failed > 0 {
		return 1
	}
	return 0
}
