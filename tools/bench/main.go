// Command bench runs the benchmarks of a module and says what each figure is
// the figure of.
//
// It finds them itself, groups them by package under the package's sentence,
// and shows the median of several runs with the least and the most, since the
// machine may have other work. The sentences are the doc comments: there is no
// list to forget. Its exit code is 1 when one fails or none ran.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
)

// options are the flags.
type options struct {
	root  string
	bench string // as go test's
	time  string // as go test's -benchtime
	count int
}

func main() {
	var o options
	flag.StringVar(&o.root, "root", ".", "folder of the module")
	flag.StringVar(&o.bench, "bench", ".", "only benchmarks that match, as go test's")
	flag.StringVar(&o.time, "benchtime", "1s", "how long one run measures, as go test's")
	flag.IntVar(&o.count, "count", 3, "how often each is run")
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, o, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		stop()
		os.Exit(1)
	}
}
