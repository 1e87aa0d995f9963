package cluster

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/furl-dev/furl/lab/plane/setting"
)

const (
	// planeReady is generous: a busy machine was seen to need 12 s.
	planeReady = 3 * time.Minute
	planePoll  = 100 * time.Millisecond
	// planeGrace is for the API server to end requests; the data is safe either way.
	planeGrace = 5 * time.Second
)

// PlaneRole is the hidden command that runs the control plane, with the path of its config as the only argument.
const PlaneRole = "plane"

// keepPlane runs the control plane in a process of its own. One that dies is started again on its data.
func (l *lab) keepPlane(ctx context.Context) error {
	c := setting.Config{
		Dir: l.files.plane(), Keys: l.files.keys(),
		APIPort: l.state.Ports.API, EtcdPort: l.state.Ports.Etcd, PeerPort: l.state.Ports.Peer,
		ServiceCIDR: l.at.services().String(), HPAController: l.o.HPAController,
		APIServerArgs: l.o.APIServerArgs, ControllerManagerArgs: l.o.ControllerManagerArgs, SchedulerArgs: l.o.SchedulerArgs,
	}
	if err := c.Write(l.files.planeJSON()); err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program: %w", err)
	}
	return child{
		name: PlaneRole, path: self, args: []string{PlaneRole, l.files.planeJSON()},
		env: plainEnvironment(os.Environ()), log: l.files.log(PlaneRole), grace: planeGrace,
	}.keep(ctx, l.noteChild(PlaneRole), l.log)
}

// waitReady waits until the API server is ready and has its first namespace.
func (l *lab) waitReady(ctx context.Context) error {
	ctx, cancel := context.WithTimeoutCause(ctx, planeReady, fmt.Errorf("not within %v; see %s", planeReady, l.files.plane()))
	defer cancel()
	tick := time.NewTicker(planePoll)
	defer tick.Stop()
	for {
		_, err := l.client.Discovery().RESTClient().Get().AbsPath("/readyz").DoRaw(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return fmt.Errorf("wait for the API server: %w", errors.Join(context.Cause(ctx), err))
		}
	}
}
