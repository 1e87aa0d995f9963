package plane

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"time"

	"github.com/furl-dev/furl/lab/plane/setting"
	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"
	"go.etcd.io/etcd/server/v3/storage/wal"
)

const (
	// walSegment replaces 64 MB: a lab writes little, and two segments are allocated at once.
	walSegment = 4 << 20
	// etcdTick and etcdElection are a tenth of the defaults: a member without peers elects itself, and waiting costs 0.8 s.
	etcdTick     = 10
	etcdElection = 100
	etcdStart    = time.Minute
)

// startEtcd starts the store and waits until it answers. Only holders of the etcd authority's certificates may speak to it.
func startEtcd(ctx context.Context, c setting.Config) (*embed.Etcd, error) {
	wal.SegmentSizeBytes = walSegment

	client, err := url.Parse(address(c.EtcdPort))
	if err != nil {
		return nil, fmt.Errorf("etcd's address: %w", err)
	}
	peer, err := url.Parse(address(c.PeerPort))
	if err != nil {
		return nil, fmt.Errorf("etcd's peer address: %w", err)
	}
	tls := transport.TLSInfo{
		CertFile: c.Key(setting.EtcdPeer + ".crt"), KeyFile: c.Key(setting.EtcdPeer + ".key"),
		TrustedCAFile: c.Key(setting.EtcdCA + ".crt"), ClientCertAuth: true,
	}
	cfg := embed.NewConfig()
	cfg.Name = "lab"
	cfg.Dir = filepath.Join(c.Dir, "etcd")
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*client}, []url.URL{*client}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peer}, []url.URL{*peer}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	cfg.ClientTLSInfo, cfg.PeerTLSInfo = tls, tls
	cfg.TickMs, cfg.ElectionMs = etcdTick, etcdElection
	// A crash of the process loses nothing, only one of the machine would.
	cfg.UnsafeNoFsync = true
	cfg.AutoCompactionMode, cfg.AutoCompactionRetention = embed.CompactorModePeriodic, "5m"
	cfg.LogLevel, cfg.LogOutputs = "error", []string{filepath.Join(c.Dir, "etcd.log")}
	cfg.EnableLogRotation, cfg.LogRotationConfigJSON = true, `{"maxsize": 8, "maxbackups": 1}` // MB

	store, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	timeout := time.NewTimer(etcdStart)
	defer timeout.Stop()
	select {
	case <-store.Server.ReadyNotify():
		return store, nil
	case err := <-store.Err():
		store.Close()
		return nil, fmt.Errorf("start etcd: %w", err)
	case <-timeout.C:
		store.Close()
		return nil, fmt.Errorf("start etcd: not ready within %v; see %s", etcdStart, cfg.LogOutputs[0])
	case <-ctx.Done():
		store.Close()
		return nil, ctx.Err()
	}
}
