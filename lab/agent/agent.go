// Package agent is a node of the lab: it runs the pods bound to it as local processes, and answers like a kubelet.
package agent

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/agent/kubelet"
	"github.com/furl-dev/furl/lab/agent/ports"
	"github.com/furl-dev/furl/lab/agent/process"
	"github.com/furl-dev/furl/lab/agent/volume"
	"github.com/furl-dev/furl/lab/images"
	"github.com/furl-dev/furl/lab/limit"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/kubernetes/scheme"
	typedcorev1 "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"k8s.io/client-go/tools/record"
)

// Ports tells where a pod's port really is. One serves all nodes of a lab.
type Ports = ports.Ports

// Config is what a node needs.
type Config struct {
	Client     kubernetes.Interface // administrator of the lab
	REST       *rest.Config         // the API server, for the KUBECONFIG of pods with a service account
	NodeName   string
	ListenHost string          // loopback address of the kubelet's interface; the port is chosen
	Serving    tls.Certificate // for ListenHost
	ClientCAs  *x509.CertPool  // whose certificates may call it
	Root       string          // folder of this node: pods, logs, volumes
	Images     images.Map
	Capacity   corev1.ResourceList
	Reserved   corev1.ResourceList // of the capacity, what pods do not get
	PodCIDR    netip.Prefix        // inside 127.64.0.0/10
	// HTTPProxy is the forward proxy for pods of a namespace, empty for none. It may be nil.
	HTTPProxy func(namespace string) string
	Ports     *Ports
	// Services tells where a port of a Service really listens. It may be nil.
	Services func(name cache.ObjectName, port int32) (address string, ok bool)
	Env      []string // KEY=value for every container, as what a cloud's webhook adds; the container's own overrides it
	Log      *slog.Logger
	Labels   map[string]string // put on the node beside the usual ones
	Taints   []corev1.Taint    // put on the node when it is registered
}

// agent is a running node.
type agent struct {
	Config
	host      *process.Host
	limiter   *limit.Limiter
	addresses *ports.Addresses
	volumes   volume.Writer
	events    record.EventRecorder
	port      int32 // of the kubelet's interface
	ended     sync.WaitGroup

	mu      sync.Mutex // guards workers and cpu
	workers map[types.UID]*worker
	cpu     time.Duration // what pods used that are gone
}

// Run makes this process a node until ctx ends. When it returns, every process of its pods is gone.
func Run(ctx context.Context, c Config) error {
	if err := c.check(); err != nil {
		return err
	}
	host, err := process.Open(c.Root, c.Log)
	if err != nil {
		return fmt.Errorf("preparing node %s: %w", c.NodeName, err)
	}
	defer host.Close()
	a := &agent{
		Config: c, host: host, workers: map[types.UID]*worker{},
		addresses: ports.NewAddresses(c.PodCIDR), limiter: limit.Open(cgroupName(c.Root), c.Log),
		volumes: volume.Writer{Client: c.Client, Allocatable: c.allocatable()},
	}
	defer a.closeLimiter()
	if folder := a.limiter.Folder(); folder != "" {
		if err := host.Guard(folder); err != nil {
			return fmt.Errorf("preparing node %s: %w", c.NodeName, err)
		}
	}
	if err := a.clean(); err != nil {
		return err
	}
	return a.run(ctx)
}

func (c *Config) check() error {
	switch {
	case c.Client == nil, c.NodeName == "", c.Root == "", c.Log == nil:
		return errors.New("a node needs Client, NodeName, Root and Log")
	case !c.PodCIDR.IsValid() || !c.PodCIDR.Addr().IsLoopback():
		return fmt.Errorf("pod addresses %v of node %s: the lab is confined to 127.0.0.0/8", c.PodCIDR, c.NodeName)
	}
	if ip := net.ParseIP(c.ListenHost); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("listen address %q of node %s: the lab listens on loopback addresses only", c.ListenHost, c.NodeName)
	}
	root, err := filepath.Abs(c.Root)
	if err != nil {
		return fmt.Errorf("folder of node %s: %w", c.NodeName, err)
	}
	c.Root = root
	if c.Ports == nil {
		c.Ports = &Ports{}
	}
	return nil
}

// cgroupName is the same for the same folder, so that a later run finds what an earlier one left.
func cgroupName(root string) string {
	sum := sha256.Sum256([]byte(root))
	return "furl-lab-" + hex.EncodeToString(sum[:6])
}

// clean removes what pods of an earlier run left in the folder.
func (a *agent) clean() error {
	for _, name := range []string{podsFolder, logsFolder} {
		if err := os.RemoveAll(filepath.Join(a.Root, name)); err != nil {
			return fmt.Errorf("clearing the folder of node %s: %w", a.NodeName, err)
		}
	}
	return nil
}

func (a *agent) closeLimiter() {
	if err := a.limiter.Close(); err != nil {
		a.Log.Warn("cgroup_left", "error", err)
	}
}

// run starts the parts in the order in which they need each other.
func (a *agent) run(ctx context.Context) error {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", net.JoinHostPort(a.ListenHost, "0"))
	if err != nil {
		return fmt.Errorf("listening for node %s: %w", a.NodeName, err)
	}
	a.port = int32(netip.MustParseAddrPort(l.Addr().String()).Port())

	broadcaster := record.NewBroadcaster(record.WithContext(context.WithoutCancel(ctx))) // pods still end when ctx has
	defer broadcaster.Shutdown()
	broadcaster.StartRecordingToSink(&typedcorev1.EventSinkImpl{Interface: a.Client.CoreV1().Events("")})
	a.events = broadcaster.NewRecorder(scheme.Scheme, corev1.EventSource{Component: "kubelet", Host: a.NodeName})

	ctx, stop := context.WithCancel(ctx)
	defer stop()
	server := &kubelet.Server{
		Node: a.NodeName, Client: a.Client, ClientCAs: a.ClientCAs, Serving: a.Serving,
		Pods: a, Metrics: a.metrics, Log: a.Log,
	}
	failed := make(chan error, 1)
	a.ended.Go(func() {
		if err := server.Serve(ctx, l); err != nil {
			failed <- err
			stop()
		}
	})
	a.ended.Go(func() { a.beat(ctx) })
	a.ended.Go(func() { a.watchMemory(ctx) })
	err = a.watchPods(ctx)
	stop()
	a.ended.Wait()
	select {
	case served := <-failed:
		return errors.Join(err, served)
	default:
		return err
	}
}
