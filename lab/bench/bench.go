// Package bench measures what autoscaling costs and how soon it answers, by what arrives at the API server and at the
// sources and by what the system says of the operator's process, and not by what the operator says of itself.
package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/furl-dev/furl/lab/cluster"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
)

// namespace is where all that is measured lives.
const namespace = "bench"

// Bench is a lab to measure in: with the operator, with simulated nodes, and with an API server that notes the
// operator's requests, see [AuditArgs].
type Bench struct {
	Dir   string // of the lab
	Audit string // the API server's audit log
	// Program is furl, for those who measure a second replica.
	Program string
	Out     io.Writer
	client  kubernetes.Interface
	usage   usageAPI
	object  dynamic.Interface
	source  *Source
	pushes  *Pushes
}

// New connects to a lab and starts the sources. Close ends them.
func New(ctx context.Context, b Bench, c *rest.Config) (*Bench, error) {
	var err error
	if b.client, err = kubernetes.NewForConfig(c); err != nil {
		return nil, fmt.Errorf("make a client of the lab: %w", err)
	}
	if b.object, err = dynamic.NewForConfig(c); err != nil {
		return nil, fmt.Errorf("make a client of ScaledObjects: %w", err)
	}
	if b.usage, err = newUsageAPI(c); err != nil {
		return nil, err
	}
	if b.source, err = NewSource(ctx); err != nil {
		return nil, err
	}
	if b.pushes, err = NewPushes(ctx); err != nil {
		return nil, errors.Join(err, b.source.Close())
	}
	return &b, b.makeNamespace(ctx)
}

// Close ends the sources.
func (b *Bench) Close() error {
	b.pushes.Close()
	return b.source.Close()
}

func (b *Bench) say(format string, args ...any) {
	_, _ = fmt.Fprintf(b.Out, format+"\n", args...) // a line that nobody can read ends nothing
}

// operator is the operator's process as it is now.
func (b *Bench) operator() (cluster.Status, cluster.ProcessStatus, error) {
	s, err := cluster.Glance(b.Dir, time.Now())
	if err != nil {
		return s, cluster.ProcessStatus{}, err
	}
	for _, p := range s.Processes {
		if p.Name == "operator" {
			return s, p, nil
		}
	}
	return s, cluster.ProcessStatus{}, errors.New("the lab runs no operator")
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

// name is that of workload i, in the cluster and at the source.
func name(i int) string { return "app-" + fmt.Sprintf("%05d", i) }

// await looks every so often until act says that it is done, or ctx ends.
func await(ctx context.Context, within, every time.Duration, what string, done func() (bool, error)) error {
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

// seconds words a span for a table.
func seconds(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', 2, 64) + " s" }

// millis words a short span for a table.
func millis(d time.Duration) string { return strconv.FormatInt(d.Milliseconds(), 10) + " ms" }
