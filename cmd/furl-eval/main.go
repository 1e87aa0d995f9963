// Command furl-eval is furl eval alone: it builds in seconds, because it links
// neither a Kubernetes client nor a server.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/furl-dev/furl/cli/eval"
	"github.com/furl-dev/furl/policy"
)

func main() { os.Exit(run()) }

func run() int {
	c := eval.Command{Defaults: policy.UpstreamDefaults()}
	flag.Func("f", "`file` with HPAs, observations or Deployments; may be given often", func(name string) error {
		c.Files = append(c.Files, name)
		return nil
	})
	flag.StringVar(&c.Output, "o", "text", "output `format`: text, json or yaml")
	flag.Parse()
	err := c.Run(context.Background(), os.Stdin, os.Stdout)
	if err != nil {
		fmt.Fprintln(os.Stderr, "furl-eval:", err)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, eval.ErrUnmet):
		return 1
	default:
		return 2
	}
}
