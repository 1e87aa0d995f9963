package avail

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/furl-dev/furl/lab/route/loopback"
	"k8s.io/client-go/tools/clientcmd"
)

// replica is one furl operator with the rights of the lab's, which is started again when it ends, as a kubelet does.
type replica struct {
	name    string // its identity in the lease
	bin     string
	args    []string
	log     string
	metrics string
	proxy   *proxy

	mu    sync.Mutex // guards cmd and begun
	cmd   *exec.Cmd
	begun time.Time
	stop  context.CancelFunc
	ended chan struct{}
	// lives is held by whoever must not see it start: a process of the same name takes its lease back at once.
	lives sync.Mutex
}

// newReplica writes the kubeconfig that leads to a proxy.
func newReplica(ctx context.Context, o *Options, name string, p *proxy) (*replica, error) {
	operator := filepath.Join(o.Dir, "operator")
	config, err := clientcmd.LoadFromFile(filepath.Join(operator, "kubeconfig"))
	if err != nil {
		return nil, fmt.Errorf("read the operator's kubeconfig: %w", err)
	}
	for _, c := range config.Clusters {
		c.Server = p.url
	}
	kubeconfig := filepath.Join(operator, name+".kubeconfig")
	if err := clientcmd.WriteToFile(*config, kubeconfig); err != nil {
		return nil, fmt.Errorf("write the kubeconfig of %s: %w", name, err)
	}
	ports, err := free(ctx, 2)
	if err != nil {
		return nil, err
	}
	return &replica{
		name: name, bin: filepath.Join(o.Bin, "furl"), log: filepath.Join(o.Dir, "logs", "operator-"+name+".log"), metrics: ports[0], proxy: p, ended: make(chan struct{}),
		args: append([]string{
			"operator", "--kubeconfig=" + kubeconfig, "--namespace=" + system, "--name=" + leaseName,
			"--hpa-controller=on", "--metric-resolution=2s",
			"--kubelet-certificate-authority=" + filepath.Join(o.Dir, "keys", "ca.crt"), "--kubelet-use-node-status-port",
			"--bind-address=127.0.0.1", "--secure-port=" + ports[1][strings.LastIndex(ports[1], ":")+1:], "--metrics-bind-address=" + ports[0], "--webhook-bind-address=",
			"--tls-cert-file=" + filepath.Join(operator, "tls.crt"), "--tls-private-key-file=" + filepath.Join(operator, "tls.key"),
		}, o.OperatorArgs...),
	}, nil
}

// free finds addresses that nobody listens on.
func free(ctx context.Context, n int) ([]string, error) {
	all := make([]string, 0, n)
	for range n {
		l, err := loopback.Listen(ctx, "127.0.0.1:0")
		if err != nil {
			return nil, fmt.Errorf("find a free port: %w", err)
		}
		defer func() { _ = l.Close() }() // all at the end, so that they differ
		all = append(all, l.Addr().String())
	}
	return all, nil
}

// Backoff of a kubelet, cut short so that a run does not wait for it.
const (
	restartFirst = time.Second
	restartMost  = 8 * time.Second
	// lived is for how long a process must have run to be started again at once.
	lived = 10 * time.Second
)

// start keeps the operator running until close.
func (r *replica) start(ctx context.Context) error {
	ctx, r.stop = context.WithCancel(ctx)
	out, err := os.OpenFile(r.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return fmt.Errorf("open the log of %s: %w", r.name, err)
	}
	go func() {
		defer close(r.ended)
		defer func() { _ = out.Close() }() // a log
		for wait := restartFirst; ctx.Err() == nil; wait = min(2*wait, restartMost) {
			begun := time.Now()
			r.run(ctx, out)
			if time.Since(begun) > lived {
				wait = restartFirst
			}
			_ = pause(ctx, wait) // ended: the loop ends too
		}
	}()
	return nil
}

// run is one life of the process.
func (r *replica) run(ctx context.Context, out *os.File) {
	cmd := exec.CommandContext(ctx, r.bin, r.args...) //nolint:gosec // our own program
	cmd.Stdout, cmd.Stderr = out, out
	cmd.Env = append(os.Environ(), "POD_NAME="+r.name, "POD_IP=")
	r.lives.Lock()
	r.mu.Lock()
	r.begun = time.Now()
	err := cmd.Start()
	r.cmd = cmd
	r.mu.Unlock()
	r.lives.Unlock()
	if err != nil {
		_, _ = fmt.Fprintf(out, "start: %v\n", err)
		return
	}
	_ = cmd.Wait() // the log says why
}

// signal sends one to the process as it is now.
func (r *replica) signal(s os.Signal) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("send %v to %s: %w", s, r.name, err)
	}
	return nil
}

// standsBy tells that it is another process than at an instant, and has seen the lease: it would notice that it runs out.
func (r *replica) standsBy(since time.Time) bool {
	r.mu.Lock()
	begun := r.begun
	r.mu.Unlock()
	return begun.After(since) && r.proxy.lastLook().After(begun)
}

// ready says what the probe of the install manifests asks for.
func (r *replica) ready(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	ask, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+r.metrics+"/readyz", nil)
	if err != nil {
		return false
	}
	client := &http.Client{Transport: &http.Transport{DialContext: loopback.Dial, DisableKeepAlives: true}}
	got, err := client.Do(ask)
	if err != nil {
		return false
	}
	return got.Body.Close() == nil && got.StatusCode == http.StatusOK
}

// tail is what the operator said last.
func (r *replica) tail() string {
	raw, err := os.ReadFile(r.log)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// close ends the process and its proxy. A process that is stopped ends too.
func (r *replica) close() error {
	if r.stop != nil {
		r.stop()
		<-r.ended
	}
	err := r.proxy.close()
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
