package cluster

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"github.com/furl-dev/furl/lab/agent/process"
)

// sweep ends what a supervisor that was killed left running: its children, as it wrote them down, and the pods' sessions
// and cgroups, as the nodes wrote them down. Whoever calls it holds the lab's lock.
func sweep(ctx context.Context, files layout, log *slog.Logger) error {
	s, err := files.load()
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	var errs []error
	for name, p := range s.Children {
		if p.Alive() {
			log.WarnContext(ctx, "child swept", "child", name, "pid", p.PID)
			errs = append(errs, p.kill(ctx))
		}
	}
	nodes, err := os.ReadDir(files.nodes())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		errs = append(errs, fmt.Errorf("look for nodes to sweep: %w", err))
	}
	for _, node := range nodes {
		errs = append(errs, process.Sweep(files.node(node.Name())))
	}
	return errors.Join(errs...)
}
