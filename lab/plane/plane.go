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
	api, err := newAPIServer(c)
	if err != nil {
		return fmt.Errorf("%s: %w", setting.APIServerName, err)
	}
	schedule, err := newScheduler(ctx, c)
	if err != nil {
		return fmt.Errorf("%s: %w", setting.Scheduler, err)
	}
	callMyself(setting.ControllerManager) // what else makes clients from now on
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		select {
		case err := <-store.Err():
			return fmt.Errorf("etcd stopped: %w", err)
		case <-ctx.Done():
			return nil
		}
	})
	g.Go(func() error { return ended(ctx, setting.APIServerName, runAPIServer(ctx, api)) })
	g.Go(func() error {
		// The controllers give up when the API server takes longer than ten seconds, which it does on a busy machine.
		if err := waitReady(ctx, c); err != nil {
			return err
		}
		g.Go(func() error { return ended(ctx, setting.ControllerManager, runControllers(ctx, c)) })
		return ended(ctx, setting.Scheduler, schedule(ctx))
	})
	return g.Wait()
}

// callMyself sets the name under which clients made from now on write: client-go takes the field manager, and what a
// server logs about a caller, from the name of the program, which is one for all components here. Whoever reads
// managedFields, as furl operator does to see who serves an HPA, finds the component's own name. Nothing else runs yet
// that could read the name meanwhile.
func callMyself(component string) { os.Args[0] = component }

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
