// Package plane is a whole Kubernetes control plane as goroutines of one process: etcd, kube-apiserver, kube-controller-manager and kube-scheduler.
//
// Run it in a process of its own and end it by ending the process: these components register global state, end the
// process on some errors, and cannot start twice.
package plane

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"

	"github.com/furl-dev/furl/lab/plane/setting"
	"golang.org/x/sync/errgroup"
)

const host = "127.0.0.1"

// Run runs the plane until ctx ends or a component gives up. It returns nil only when ctx ended.
func Run(ctx context.Context, c setting.Config) error {
	closeLog, err := logToFile(filepath.Join(c.Dir, "plane.log"))
	if err != nil {
		return err
	}
	defer closeLog()
	store, err := startEtcd(ctx, c)
	if err != nil {
		return err
	}
	defer store.Close()

	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case err := <-store.Err():
			return fmt.Errorf("etcd stopped: %w", err)
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error { return ended(ctx, "kube-apiserver", runAPIServer(ctx, c)) })
	g.Go(func() error {
		// The controllers give up when the API server takes longer than ten seconds, which it does on a busy machine.
		if err := waitReady(ctx, c); err != nil {
			return err
		}
		g.Go(func() error { return ended(ctx, "kube-controller-manager", runControllers(ctx, c)) })
		return ended(ctx, "kube-scheduler", runScheduler(ctx, c))
	})
	return g.Wait()
}

// ended turns the return of a component into an error, unless somebody asked it to end.
func ended(ctx context.Context, component string, err error) error {
	if ctx.Err() != nil {
		return nil //nolint:nilerr // it was told to end
	}
	if err == nil {
		err = errors.New("it returned without being asked to")
	}
	return fmt.Errorf("%s stopped: %w", component, err)
}

func address(port int) string {
	return "https://" + net.JoinHostPort(host, strconv.Itoa(port))
}

func mkdir(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make a folder of the plane: %w", err)
	}
	return nil
}
