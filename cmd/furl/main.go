// Command furl is all of Kubernetes pod autoscaling in one program.
package main

import (
	"context"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/furl-dev/furl/cli"
)

func main() { os.Exit(run()) }

func run() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	root := cli.New(cli.Terminal{
		In: os.Stdin, Out: os.Stdout, Err: os.Stderr,
		Exec: func(path string, args []string) error {
			return syscall.Exec(path, args, os.Environ()) //nolint:gosec // furl-lab, from where furl is or from PATH
		},
		LookPath: lookPath,
		Clock:    time.Now,
	})
	root.AddCommand(commands()...)
	cli.CalledAs(root, os.Args)
	return cli.Run(ctx, root)
}

// lookPath prefers the program that was installed beside this one.
func lookPath(name string) (string, error) {
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if path, err := exec.LookPath(beside); err == nil {
			return path, nil
		}
	}
	return exec.LookPath(name)
}
