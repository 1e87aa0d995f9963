// Package avail takes leaders away from a cluster whose sizes must change all the time, and holds what the API server's
// audit log then says against the lease: who wrote, when, and whether the size was right.
package avail

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/pki"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

const (
	// system is where Furl and its lease live.
	system = "furl-system"
	// leaseName is that of the lease.
	leaseName = "furl"
	// namespace is where the load is.
	namespace = "avail"
)

// Options is what a harness needs: a lab with simulated nodes, with an API server that notes what is written, see
// [AuditArgs], and with an operator of its own that serves metrics.k8s.io and decides nothing, see [OperatorArgs].
type Options struct {
	Dir   string // of the lab
	Bin   string // folder of the program furl
	Audit string // the API server's audit log
	Out   io.Writer
	Seed  uint64
	// ScaledObjects and HPAs are how many of each there are.
	ScaledObjects, HPAs int
	// Stopped is for how long a leader is stopped, Cut for how long it is cut off.
	Stopped, Cut time.Duration
	// After is for how long what comes after a change is looked at: a leader that is back does what it has left to do.
	After time.Duration
	// OperatorArgs are more arguments of both operators.
	OperatorArgs []string
	// Gone is for how long there is no API server, Fault for how long it answers wrongly.
	Gone, Fault time.Duration
}

// DefaultOptions are those of `furl-lab bench kills`.
func DefaultOptions() Options {
	return Options{
		Seed: 1, ScaledObjects: 6, HPAs: 2,
		Stopped: time.Minute, Cut: 25 * time.Second, After: 5 * time.Second, Gone: 5 * time.Minute, Fault: 20 * time.Second,
	}
}

// OperatorArgs keep the lab's own operator from deciding.
func OperatorArgs() []string {
	return []string{"--hpa-controller=off", "--scaled-objects=off", "--leader-elect=false"}
}

// Harness is two operators, each behind a proxy of its own, and a load that moves.
type Harness struct {
	Options
	client   kubernetes.Interface
	object   dynamic.Interface
	random   *rand.Rand
	source   *source
	replicas [2]*replica
	begun    time.Time
	stop     context.CancelFunc
	moving   chan struct{} // closed when the load has ended
}

// New makes the load and starts the operators. Close ends both.
func New(ctx context.Context, o Options, c *rest.Config) (*Harness, error) {
	h := &Harness{
		Options: o, begun: time.Now(), moving: make(chan struct{}),
		random: rand.New(rand.NewPCG(o.Seed, 1)), //nolint:gosec // when somebody is killed is no secret
	}
	var err error
	if h.client, err = kubernetes.NewForConfig(c); err != nil {
		return nil, fmt.Errorf("make a client of the lab: %w", err)
	}
	if h.object, err = dynamic.NewForConfig(c); err != nil {
		return nil, fmt.Errorf("make a client of ScaledObjects: %w", err)
	}
	if h.source, err = newSource(ctx, o.ScaledObjects, o.Seed); err != nil {
		return nil, err
	}
	running, stop := context.WithCancel(ctx)
	h.stop = stop
	go func() {
		defer close(h.moving)
		h.source.move(running)
	}()
	if err := h.start(ctx, c); err != nil {
		return nil, errors.Join(err, h.Close())
	}
	return h, nil
}

// start begins with what can fail once there is something to close.
func (h *Harness) start(ctx context.Context, c *rest.Config) error {
	if err := h.populate(ctx); err != nil {
		return err
	}
	keys, err := pki.Open(filepath.Join(h.Dir, "keys"), time.Now())
	if err != nil {
		return err
	}
	target, err := url.Parse(c.Host)
	if err != nil {
		return fmt.Errorf("address of the lab's API server: %w", err)
	}
	for i, name := range [...]string{"first", "second"} {
		p, err := newProxy(ctx, keys.Cluster, target)
		if err != nil {
			return err
		}
		if h.replicas[i], err = newReplica(ctx, &h.Options, name, p); err != nil {
			return errors.Join(err, p.close())
		}
		if err := h.replicas[i].start(ctx); err != nil {
			return err
		}
	}
	return h.settle(ctx)
}

// Close ends the operators, the proxies and the source.
func (h *Harness) Close() error {
	h.stop()
	<-h.moving
	var all []error
	for _, r := range h.replicas {
		if r != nil {
			all = append(all, r.close())
		}
	}
	return errors.Join(append(all, h.source.close())...)
}

func (h *Harness) say(format string, args ...any) {
	_, _ = fmt.Fprintf(h.Out, format+"\n", args...) // a line that nobody can read ends nothing
}

// leader is who holds the lease, and nil for nobody.
func (h *Harness) leader(ctx context.Context) (*replica, error) {
	l, err := h.client.CoordinationV1().Leases(system).Get(ctx, leaseName, metav1.GetOptions{})
	if err != nil {
		return nil, fmt.Errorf("read the lease: %w", err)
	}
	for _, r := range h.replicas {
		if l.Spec.HolderIdentity != nil && *l.Spec.HolderIdentity == r.name {
			return r, nil
		}
	}
	return nil, nil //nolint:nilnil // nobody
}

// other is the replica that r is not.
func (h *Harness) other(r *replica) *replica {
	if h.replicas[0] == r {
		return h.replicas[1]
	}
	return h.replicas[0]
}

// settle waits until one replica leads and both are ready to.
func (h *Harness) settle(ctx context.Context) error {
	return await(ctx, 2*time.Minute, "a leader, and a replica that stands by", func() (bool, error) {
		for _, r := range h.replicas {
			if !r.ready(ctx) {
				return false, fmt.Errorf("%s is not ready; it said\n%s", r.name, r.tail())
			}
		}
		led, err := h.leader(ctx)
		return led != nil, err
	})
}

// every is how often the harness looks whether something has come.
const every = 200 * time.Millisecond

// await looks until something is so, and says what is missing when it takes too long.
func await(ctx context.Context, within time.Duration, what string, done func() (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	for {
		is, err := done()
		if is {
			return nil
		}
		if pause(ctx, every) != nil {
			return fmt.Errorf("%s did not come within %s: %w", what, within, errors.Join(ctx.Err(), err))
		}
	}
}

func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-t.C:
		return nil
	}
}

// load is the machine's load average over one minute: no figure means much without it.
func load() string {
	raw, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(raw), " ")
	return one
}
