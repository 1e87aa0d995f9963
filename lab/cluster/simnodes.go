package cluster

import (
	"context"
	"crypto/tls"
	"net/netip"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	"github.com/furl-dev/furl/lab/simnode"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
)

// startSimNodes registers the simulated nodes and keeps them.
func (l *lab) startSimNodes(ctx context.Context, g *errgroup.Group) error {
	if l.o.SimNodes > 0 {
		l.progress("registering simulated nodes")
	}
	return l.startUntilReady(ctx, g, func(ctx context.Context, ready func()) error {
		return simnode.Run(ctx, simnode.Config{
			Client: l.client, Count: l.o.SimNodes, StartDelay: l.o.SimStartDelay, Housekeeping: l.o.SimHousekeeping,
			Addresses: l.at.simNodes(), PodAddresses: l.at.simPods(),
			Serving: l.kubeletCertificate, ClientCAs: l.keys.KubeletClient.Pool(),
			Capacity: corev1.ResourceList{
				corev1.ResourceCPU: resource.MustParse("32"), corev1.ResourceMemory: resource.MustParse("128Gi"),
				corev1.ResourcePods: resource.MustParse("110"),
			},
			Log: l.log.With("part", "simnode"),
		}, ready)
	})
}

// kubeletCertificate issues the serving certificate of a kubelet.
func (l *lab) kubeletCertificate(node string, address netip.Addr) (tls.Certificate, error) {
	pair, err := l.keys.Cluster.Issue(pki.Leaf{Name: "system:node:" + node, DNS: []string{node}, IPs: []netip.Addr{address}}, time.Now())
	if err != nil {
		return tls.Certificate{}, err
	}
	return pair.TLS()
}

// startUntilReady starts a part in g and returns when it says that it is ready or has ended.
func (l *lab) startUntilReady(ctx context.Context, g *errgroup.Group, run func(ctx context.Context, ready func()) error) error {
	readied, ended := make(chan struct{}), make(chan error, 1)
	g.Go(func() error {
		err := run(ctx, func() { close(readied) })
		ended <- err
		return err
	})
	select {
	case <-readied:
		return nil
	case err := <-ended:
		return err
	case <-ctx.Done():
		return nil
	}
}
