package cluster

import (
	"context"
	"net"
	"strconv"

	"github.com/furl-dev/furl/lab/agent"
	"github.com/furl-dev/furl/lab/route"
	"golang.org/x/sync/errgroup"
)

// startRoutes opens the ways to Services. Everything after it may ask for l.router and l.ports.
func (l *lab) startRoutes(ctx context.Context, g *errgroup.Group) error {
	l.progress("opening the ways to Services")
	l.ports = &agent.Ports{}
	l.router = route.New(route.Config{
		Client: l.client, Ports: l.ports, Proxies: l.at.proxies(),
		APIServer: net.JoinHostPort("127.0.0.1", strconv.Itoa(l.state.Ports.API)),
		Log:       l.log.With("part", "route"),
	})
	return l.startUntilReady(ctx, g, l.router.Run)
}
