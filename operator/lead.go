package operator

import (
	"context"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/furl-dev/furl/kube"
	"github.com/furl-dev/furl/schedule"
	"golang.org/x/sync/errgroup"
)

const (
	// leaderSuffix makes the installation's name that of the Service that leads to
	// the leader, which alone has decisions to tell of.
	leaderSuffix = "-leader"
	leaderPort   = "https"
	// announceAgain is the pause after the cluster could not be told who leads.
	announceAgain = 10 * time.Second
)

// lead decides: alone, or while holding the lease.
func (p *parts) lead(ctx context.Context) error {
	if !p.config.LeaderElect {
		return p.govern(ctx)
	}
	lease := kube.Lease{
		Client: p.clients.Leases, Namespace: p.config.Namespace, Name: p.config.Name,
		Identity: p.config.Identity, Term: p.config.Term, Fence: p.fence,
	}
	return lease.Lead(ctx, func(ctx context.Context) error {
		p.config.Log.InfoContext(ctx, "leading", "lease", p.config.Namespace+"/"+p.config.Name, "identity", p.config.Identity)
		return p.govern(ctx)
	})
}

// govern is what the leader does. Where HPAs are none of its business it still
// decides on those in observe mode, and answers for decisions.furl.dev: an API
// that nobody answers for hinders others, such as the deletion of namespaces. Nearly every HPA is about what pods use, so
// all of them wait for the first samples; ScaledObjects wait one by one.
func (p *parts) govern(ctx context.Context) error {
	p.leading.Set(1)
	defer p.leading.Set(0)
	var announcing sync.WaitGroup
	announcing.Go(func() { p.announce(ctx) })
	defer announcing.Wait()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		<-ctx.Done()
		return nil
	})
	group.Go(func() error {
		if p.warm.wait(ctx) != nil {
			return nil //nolint:nilerr // ctx ended before
		}
		return p.controller.Lead(ctx)
	})
	if p.keda != nil {
		group.Go(func() error { return p.keda.lead(ctx) })
	}
	if k := p.certificates.keeper; k != nil {
		group.Go(func() error { return k.Run(ctx) })
	}
	return group.Wait()
}

// announce tells the cluster where the leader listens, until it has worked.
func (p *parts) announce(ctx context.Context) {
	if !p.config.Address.IsValid() {
		return // not in the cluster: whoever started it knows
	}
	w := kube.Whereabouts{
		Client: p.clients.Core, Namespace: p.config.Namespace, Service: p.config.Name + leaderSuffix, Port: leaderPort,
		Address: netip.AddrPortFrom(p.config.Address, uint16(p.config.Serving.Serving.BindPort)), //nolint:gosec // validated as a port
	}
	clock := schedule.Clock{}
	for {
		err := w.Publish(ctx)
		if err == nil || ctx.Err() != nil {
			return
		}
		p.config.Log.WarnContext(ctx, "nobody can ask the leader for decisions", "error", err)
		if clock.Wait(ctx, clock.Now().Add(announceAgain)) != nil {
			return
		}
	}
}

// served are the names by which the aggregator calls this process.
func served(namespace, name string) []string {
	return []string{fmt.Sprintf("%s.%s.svc", name, namespace), fmt.Sprintf("%s.%s.svc", name+leaderSuffix, namespace)}
}
