package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"time"

	"github.com/furl-dev/furl/lab/simnode"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/rest"
	metricsclient "k8s.io/metrics/pkg/client/clientset/versioned"
)

// Fleet is how many simulated nodes are read, how many pods each has, and how often it is read.
type Fleet struct {
	Nodes, Pods int
	Scrape      time.Duration
}

// Read is what a while of reading kubelets cost; rates are those of a minute.
type Read struct {
	Span   time.Duration
	Of     Cost
	Rounds float64 // how often every node was read
	Load   string
}

// Served is what a new operator took, since its process began.
type Served struct {
	First, Nodes, Pods time.Duration // until metrics.k8s.io had one node, all nodes, all pods
	Load               string
}

// usageAPI is metrics.k8s.io, as whoever asks the API server sees it.
type usageAPI struct{ metricsclient.Interface }

func newUsageAPI(c *rest.Config) (usageAPI, error) {
	p := rest.CopyConfig(c)
	p.ContentType = "application/vnd.kubernetes.protobuf"
	m, err := metricsclient.NewForConfig(p)
	if err != nil {
		return usageAPI{}, fmt.Errorf("make a client of metrics.k8s.io: %w", err)
	}
	return usageAPI{m}, nil
}

// Occupy puts pods on every node, past the scheduler, and waits until all run.
func (b *Bench) Occupy(ctx context.Context, f Fleet) error {
	err := await(ctx, time.Minute, 100*time.Millisecond, "the namespace's ServiceAccount", func() (bool, error) {
		_, err := b.client.CoreV1().ServiceAccounts(namespace).Get(ctx, "default", metav1.GetOptions{})
		return err == nil, err
	})
	if err != nil {
		return err
	}
	from := time.Now()
	g, within := errgroup.WithContext(ctx)
	g.SetLimit(atOnce)
	for i := range f.Nodes * f.Pods {
		g.Go(func() error {
			_, err := b.client.CoreV1().Pods(namespace).Create(within, occupant(i/f.Pods, i%f.Pods), metav1.CreateOptions{})
			if err != nil {
				return fmt.Errorf("create a pod of node %d: %w", i/f.Pods, err)
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return err
	}
	err = await(ctx, 10*time.Minute, time.Second, "all pods to run", func() (bool, error) {
		rest, err := b.client.CoreV1().Pods(namespace).List(ctx, metav1.ListOptions{FieldSelector: "status.phase!=Running", Limit: 1})
		return err == nil && len(rest.Items) == 0, err
	})
	b.say("%d pods on each of %d nodes, created and running in %s", f.Pods, f.Nodes, seconds(time.Since(from)))
	return err
}

// occupant is a pod that the node's kubelet finds its own.
func occupant(node, i int) *corev1.Pod {
	return &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{
			Name:        fmt.Sprintf("workload-%05d-7d9c5b8f7-x%04d", node, i),
			Labels:      map[string]string{"app": "workload-" + strconv.Itoa(i)},
			Annotations: map[string]string{simnode.CPUAnnotation: strconv.Itoa(20+3*((node*31+i*7)%50)) + "m", simnode.StartDelayAnnotation: "0s"},
		},
		Spec: corev1.PodSpec{
			NodeName:   simnode.Name(node),
			Containers: []corev1.Container{{Name: "main", Image: "registry.k8s.io/pause"}},
		},
	}
}

// ReadNodes measures windows in which the operator reads the nodes and nothing else happens.
func (b *Bench) ReadNodes(ctx context.Context, f Fleet, windows int, span time.Duration) ([]Read, error) {
	all := make([]Read, 0, windows)
	for range windows {
		s, p, err := b.operator()
		if err != nil {
			return all, err
		}
		before, err := scrape(ctx, s.Ports.Metrics)
		if err != nil {
			return all, err
		}
		of, took, err := costs(ctx, span, []named{{"operator", process(p.PID)}})
		if err != nil {
			return all, err
		}
		after, err := scrape(ctx, s.Ports.Metrics)
		if err != nil {
			return all, err
		}
		r := Read{Span: took, Of: of[0], Rounds: (after.sum[reads] - before.sum[reads]) / float64(f.Nodes) / took.Minutes(), Load: load()}
		b.say("%s", r)
		all = append(all, r)
	}
	return all, nil
}

const reads = "furl_scrape_duration_seconds_count"

// ServeNodes ends the operator some times and takes the time that the next one needs until it serves all that there is.
func (b *Bench) ServeNodes(ctx context.Context, f Fleet, times int) ([]Served, error) {
	all := make([]Served, 0, times)
	for range times {
		if err := pause(ctx, settled); err != nil {
			return all, err
		}
		s, err := b.serve(ctx, f)
		if err != nil {
			return all, err
		}
		b.say("%s", s)
		all = append(all, s)
	}
	return all, nil
}

// look is how often the API is asked until all is there: often, and not so often that answering is what is measured.
const look = 250 * time.Millisecond

func (b *Bench) serve(ctx context.Context, f Fleet) (Served, error) {
	s := Served{Load: load()}
	began, err := b.renew(ctx)
	if err != nil {
		return s, err
	}
	for _, step := range []struct {
		took   *time.Duration
		what   string
		wanted int
		count  func(context.Context) (int, error)
	}{
		{&s.First, "a node in metrics.k8s.io", 1, b.usage.nodes},
		{&s.Nodes, "all nodes in metrics.k8s.io", f.Nodes, b.usage.nodes},
		{&s.Pods, "all pods in metrics.k8s.io", f.Nodes * f.Pods, b.usage.pods},
	} {
		err := await(ctx, 3*time.Minute, look, step.what, func() (bool, error) {
			n, err := step.count(ctx)
			if err == nil && n < step.wanted {
				err = fmt.Errorf("there are %d, want %d", n, step.wanted)
			}
			return err == nil, err
		})
		if err != nil {
			return s, err
		}
		*step.took = time.Since(began)
	}
	return s, nil
}

// renew ends the operator, and returns when the process began that the lab answers with.
func (b *Bench) renew(ctx context.Context) (time.Time, error) {
	_, old, err := b.operator()
	if err != nil {
		return time.Time{}, err
	}
	p, err := os.FindProcess(old.PID)
	if err != nil {
		return time.Time{}, fmt.Errorf("find the operator: %w", err)
	}
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return time.Time{}, fmt.Errorf("end the operator: %w", err)
	}
	var began time.Time
	err = await(ctx, time.Minute, 50*time.Millisecond, "the next operator", func() (bool, error) {
		_, now, err := b.operator()
		switch {
		case err != nil:
			return false, err
		case now.PID == old.PID:
			return false, errors.New("the one before is there")
		}
		began, err = process(now.PID).started(time.Now())
		return err == nil, err
	})
	return began, err
}

func (u usageAPI) nodes(ctx context.Context) (int, error) {
	l, err := u.MetricsV1beta1().NodeMetricses().List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list the use of nodes: %w", err)
	}
	return len(l.Items), nil
}

func (u usageAPI) pods(ctx context.Context) (int, error) {
	l, err := u.MetricsV1beta1().PodMetricses(namespace).List(ctx, metav1.ListOptions{})
	if err != nil {
		return 0, fmt.Errorf("list the use of pods: %w", err)
	}
	return len(l.Items), nil
}

// String is a line a figure.
func (r Read) String() string {
	return fmt.Sprintf("window of %s, load average %s: %s; every node read %.2f times a minute", r.Span.Round(time.Second), r.Load, r.Of, r.Rounds)
}

// String is a line a figure.
func (s Served) String() string {
	return fmt.Sprintf("start, load average %s: since the process began the first node served after %s, all nodes after %s, all pods after %s",
		s.Load, seconds(s.First), seconds(s.Nodes), seconds(s.Pods))
}
